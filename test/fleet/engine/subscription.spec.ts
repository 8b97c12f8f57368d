import { Subscription } from '../../../lib/fleet/engine/subscription';
import type { FleetTransport } from '../../../lib/fleet/fleet-transport';
import { VirtualTime, randomOf } from '../../support/virtual-time';

type Subscribe = FleetTransport['subscribe'];
type Listener = Parameters<Subscribe>[0];

describe('The subscription of a fleet', () => {
  const time = new VirtualTime();
  let startedAt: number;
  let attempts: { readonly at: number; readonly on: Listener; readonly signal: AbortSignal }[];
  let events: string[];
  let unsubscribed: number;

  beforeEach(() => {
    time.install(randomOf(1));
    startedAt = time.now;
    [attempts, events, unsubscribed] = [[], [], 0];
  });

  afterEach(() => {
    time.uninstall();
  });

  function subscription(answer: () => Promise<void>): Subscription {
    const subscribe: Subscribe = async (on, { signal }) => {
      attempts.push({ at: time.now - startedAt, on, signal });
      await answer();
      return async () => {
        unsubscribed += 1;
      };
    };
    return new Subscription(
      { subscribe, publish: () => Promise.resolve() },
      {
        message: () => void events.push('message'),
        connected: () => void events.push('connected'),
        disconnected: () => void events.push('disconnected'),
        failed: () => void events.push('failed'),
      },
    );
  }

  const times = (): number[] => attempts.map(({ at }) => at);

  it('is tried again after 1 s doubling to 30 s if it is refused', async () => {
    const refused = subscription(() => Promise.reject(new Error('refused')));
    refused.start();

    await time.advance(95_000);

    expect(times()).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 61_000, 91_000]);
    await refused.close();
    await time.advance(60_000);
    expect(attempts).toHaveLength(8);
    expect(time.pendingTimers).toBe(0);
  });

  it('is given up and tried again if it hangs, or is never confirmed', async () => {
    const hanging = subscription(() => new Promise(() => undefined));
    hanging.start();
    await time.advance(15_000);
    expect(times()).toEqual([0, 2_000, 6_000, 14_000]);
    expect(attempts.map(({ signal }) => signal.aborted)).toEqual([true, true, true, false]);
    await hanging.close();

    attempts = [];
    const silent = subscription(() => Promise.resolve());
    silent.start();
    await time.advance(7_000);
    expect(attempts).toHaveLength(3);
    expect(unsubscribed).toBe(2);
    await silent.close();
    expect(unsubscribed).toBe(3);
  });

  it('stays as long as it is confirmed, and hears no earlier attempt', async () => {
    const confirmed = subscription(() => Promise.resolve());
    confirmed.start();
    await time.advance(0);
    attempts[0]?.on.connected();
    await time.advance(600_000);
    expect(attempts).toHaveLength(1);

    confirmed.start();
    await time.advance(0);
    attempts[0]?.on.message(new Uint8Array());
    attempts[0]?.on.disconnected();
    expect(events).toEqual(['connected']);
    attempts[1]?.on.message(new Uint8Array());
    expect(events).toEqual(['connected', 'message']);
    await confirmed.close();
  });

  it('leaves a reconnect to the transport for 5 s', async () => {
    const lost = subscription(() => Promise.resolve());
    lost.start();
    await time.advance(0);
    attempts[0]?.on.connected();
    attempts[0]?.on.disconnected();
    await time.advance(4_000);
    expect(attempts).toHaveLength(1);

    await time.advance(1_001);

    expect(attempts).toHaveLength(2);
    await lost.close();
  });

  it('releases a subscription that comes after the close', async () => {
    let resolve = (): void => undefined;
    const late = subscription(() => new Promise<void>((settle) => (resolve = settle)));
    late.start();
    await late.close();

    resolve();
    await time.advance(0);

    expect(unsubscribed).toBe(1);
  });
});
