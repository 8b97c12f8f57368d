import { Writer } from '../../../lib/drivers/encrypted-file/store/writer';
import { useStore } from '../../support/encrypted-file';
import { failureOf } from '../../support/failure-of';

const store = useStore();

/** Blocks commits until the returned function is called. */
function holdCommits(): () => void {
  const commit: Writer['commit'] = Reflect.get(Writer.prototype, 'commit');
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  jest.spyOn(Writer.prototype, 'commit').mockImplementation(async function (this: Writer, prepare) {
    await held;
    return await commit.call(this, prepare);
  });
  return release;
}

describe('a write that has to wait', () => {
  it('times out in the queue, and writes nothing', async () => {
    const release = holdCommits();
    const first = store.manager.writeSecret('FIRST', 'value');

    const error = await failureOf(store.manager.writeSecret('KEY', 'value', { timeoutMs: 30 }));

    release();
    await first;
    expect(error).toMatchObject({ code: 'TIMEOUT', retryable: true });
    expect(error.message).toContain('Nothing was written');
    expect(await store.valueOf('KEY')).toBeUndefined();
  });

  it('times out while a key is derived, and writes nothing', async () => {
    const options = { path: `${store.path}.other`, passphrase: 'a passphrase' };
    await (await store.opened(options)).close();
    const manager = store.unopened(options);
    const left = failureOf(manager.writeSecret('KEY', 'value', { timeoutMs: 1 }));
    const other = manager.writeSecret('OTHER', 'value');

    const error = await left;

    await other;
    expect(error.message).toContain('Nothing was written');
    expect(await manager.readSecret('KEY')).toBeUndefined();
  }, 30_000);

  it('reports an unknown outcome if it times out in flight', async () => {
    const release = holdCommits();

    const error = await failureOf(store.manager.writeSecret('KEY', 'value', { timeoutMs: 30 }));

    release();
    expect(error).toMatchObject({ code: 'TIMEOUT' });
    expect(error.message).toContain('may have succeeded');
  });

  it('is cancelled by its caller without effect on others', async () => {
    const release = holdCommits();
    const first = store.manager.writeSecret('FIRST', 'value');
    const aborted = new AbortController();
    const writes = [
      failureOf(store.manager.writeSecret('SECOND', 'value', { signal: aborted.signal })),
      failureOf(store.manager.writeSecret('BEFORE', 'value', { signal: AbortSignal.abort() })),
    ];
    const third = store.manager.writeSecret('THIRD', 'value');

    aborted.abort();
    const errors = await Promise.all(writes);
    release();
    await Promise.all([first, third]);

    expect(errors).toMatchObject(Array(2).fill({ code: 'CANCELLED' }));
    const names = (await store.manager.listSecrets()).map(({ name }) => name);
    expect(names).toEqual(['FIRST', 'THIRD']);
  });

  it('does not delay reads', async () => {
    await store.manager.writeSecret('KEY', 'value');
    const release = holdCommits();
    const write = store.manager.writeSecret('KEY', 'newer');

    const readings = [await store.manager.readSecret('KEY'), store.manager.readSecretSync('KEY')];

    release();
    await write;
    expect(readings).toMatchObject([{ value: 'value' }, { value: 'value' }]);
  });

  it('is prepared under the lock after it lost a race', async () => {
    const other = await store.opened();
    const commit: Writer['commit'] = Reflect.get(Writer.prototype, 'commit');
    let attempts = 0;
    let isOvertaken = false;
    jest.spyOn(Writer.prototype, 'commit').mockImplementation(async function (
      this: Writer,
      prepare,
    ) {
      if (isOvertaken) return await commit.call(this, prepare);
      isOvertaken = true;
      await other.writeSecret('KEY', `other ${attempts++}`);
      isOvertaken = false;
      return await commit.call(this, prepare);
    });

    await store.manager.writeSecret('KEY', 'value');

    expect(attempts).toBe(2);
    expect(await store.valueOf('KEY')).toBe('value');
  });

  it('shares a commit with other waiting writes', async () => {
    const commit = jest.spyOn(Writer.prototype, 'commit');
    const names = Array.from({ length: 100 }, (_, index) => `KEY_${index}`);

    const written = await Promise.all(
      names.map((name) => store.manager.writeSecret(name, 'value')),
    );

    expect(commit.mock.calls.length).toBeLessThan(10);
    expect(new Set(written.map(({ version }) => version)).size).toBe(names.length);
  });
});
