import { Outbox } from '../../../lib/fleet/sending/outbox';
import type { Batch } from '../../../lib/fleet/sending/pending-names';
import { VirtualTime, randomOf } from '../../support/virtual-time';

describe('The announcements that wait', () => {
  const time = new VirtualTime();
  let sent: Batch[];
  let fail: (() => void)[];
  let outbox: Outbox;

  beforeEach(() => {
    time.install(randomOf(1));
    [sent, fail] = [[], []];
    outbox = new Outbox({
      maxNames: 2,
      send: (batch, failed) => {
        fail.push(failed);
        return sent.push(batch);
      },
    });
  });

  afterEach(() => {
    outbox.close();
    time.uninstall();
  });

  const names = (): unknown[] =>
    sent.map(({ kind, names: given }) => [kind, given === 'all' ? given : [...given]]);

  it('are a set of names, with the newest version, revoked ones first', async () => {
    outbox.open();
    outbox.add({ kind: 'changed', secretName: 'A', version: '1' });
    outbox.add({ kind: 'changed', secretName: 'A', version: '2' });
    outbox.add({ kind: 'changed', secretName: 'B' });
    outbox.add({ kind: 'revoked', secretName: 'B', version: '3' });
    await time.advance(5);

    expect(names()).toEqual([
      ['revoked', [['B', '3']]],
      ['changed', [['A', '2']]],
    ]);
  });

  it('are published at the next opening if they did not come back', async () => {
    outbox.open();
    for (const secretName of ['A', 'B', 'C']) outbox.add({ kind: 'changed', secretName });
    await time.advance(5);
    outbox.confirm(1);
    expect(outbox.size).toBe(1);
    outbox.close();
    outbox.add({ kind: 'changed', secretName: 'D' });
    expect(outbox.size).toBe(2);

    outbox.open();
    await time.advance(5);

    expect(names().at(-1)).toEqual([
      'changed',
      [
        ['D', undefined],
        ['C', undefined],
      ],
    ]);
  });

  it('are kept when they fail, and published by the next call', async () => {
    outbox.open();
    outbox.add({ kind: 'changed', secretName: 'A', version: '1' });
    await time.advance(5);
    fail[0]?.();
    expect(outbox.size).toBe(1);

    outbox.schedule();
    await time.advance(5);

    expect(names().at(-1)).toEqual(['changed', [['A', '1']]]);
  });

  it('become all names beyond a bound', async () => {
    for (let count = 0; count <= 10_000; count++) {
      outbox.add({ kind: count % 2 ? 'changed' : 'revoked', secretName: `N${count}` });
    }
    expect(outbox.size).toBe(10_001);
    for (let count = 0; count <= 10_000; count++) {
      outbox.add({ kind: 'changed', secretName: `M${count}` });
    }
    expect(outbox.size).toBeLessThan(10_000);

    outbox.open();
    outbox.flush();

    expect(names()[0]).toEqual(['changed', 'all']);
    expect(names().flat()).toContain('revoked');
  });

  it('are bounded also while they wait for coming back', async () => {
    outbox.open();
    for (let count = 0; count < 30_000; count++) {
      outbox.add({ kind: 'changed', secretName: `N${count}` });
      outbox.flush();
    }

    expect(outbox.size).toBeLessThanOrEqual(10_000);
  });

  it('leave the event loop free in between', async () => {
    outbox.open();
    for (let count = 0; count < 100; count++) {
      outbox.add({ kind: 'changed', secretName: `N${count}` });
    }
    await time.advance(0);
    expect(sent).toHaveLength(4);

    await time.advance(20);
    expect(sent).toHaveLength(50);
  });
});
