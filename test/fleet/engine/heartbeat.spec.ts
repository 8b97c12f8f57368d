import { Heartbeat } from '../../../lib/fleet/engine/heartbeat';
import { VirtualTime, randomOf } from '../../support/virtual-time';

describe('The heartbeat of an instance', () => {
  const time = new VirtualTime();
  let startedAt: number;
  let due: number[];
  let silent: number[];
  let isHeard: boolean;
  let heartbeat: Heartbeat;

  function make(disconnectedTtlMs: number): void {
    heartbeat = new Heartbeat(disconnectedTtlMs, {
      due: () => {
        due.push(time.now - startedAt);
        if (isHeard) heartbeat.heard();
      },
      silent: () => void silent.push(time.now - startedAt),
    });
  }

  beforeEach(() => {
    time.install(randomOf(1));
    startedAt = time.now;
    [due, silent, isHeard] = [[], [], true];
    make(60_000);
  });

  afterEach(() => {
    heartbeat.stop();
    time.uninstall();
  });

  it('comes after 5 to 10 s of silence', async () => {
    heartbeat.start(false);

    await time.advance(60_000);

    const pauses = due.map((at, index) => at - (due[index - 1] ?? 0));
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(5_000);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(10_000);
    expect(silent).toEqual([]);
  });

  it('does not come while others are heard', async () => {
    heartbeat.start(false);

    for (let second = 0; second < 60; second++) {
      await time.advance(1_000);
      heartbeat.heard();
    }

    expect(due).toEqual([]);
  });

  it('comes within 10 s of an announcement, also if others are heard', async () => {
    heartbeat.start(false);
    await time.advance(3_000);
    heartbeat.announced();

    for (let second = 0; second < 20; second++) {
      await time.advance(1_000);
      heartbeat.heard();
    }

    expect(due).toHaveLength(1);
    expect(due[0]).toBeLessThanOrEqual(13_001);
  });

  it('ends in silence after three that nobody heard', async () => {
    isHeard = false;
    heartbeat.start(false);

    await time.advance(60_000);

    expect(silent).toEqual([30_000]);
  });

  it('is faster where values must not be fresh for long', async () => {
    isHeard = false;
    make(3_000);
    heartbeat.start(false);

    await time.advance(60_000);

    expect(silent).toEqual([3_000]);
  });

  it('comes within a second after a silent cut', async () => {
    heartbeat.start(true);

    await time.advance(1_001);

    expect(due).toHaveLength(1);
  });
});
