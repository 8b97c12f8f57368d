import { randomBytes } from 'node:crypto';
import { MessageCheck } from '../../../lib/fleet/wire/message-check';
import { FleetKey, fleetDigest } from '../../../lib/fleet/wire/fleet-key';
import { Keyring } from '../../../lib/fleet/wire/keyring';
import {
  MAX_MESSAGE_BYTES,
  MAX_NAMES,
  decodeMessage,
  encodeMessage,
  type FleetMessage,
} from '../../../lib/fleet/wire/message';
import { VirtualTime, randomOf } from '../../support/virtual-time';

const KEY = 'the key of the fleet, long enough';
const NEXT_KEY = 'the next key of the same fleet';

describe('The messages of a fleet', () => {
  const time = new VirtualTime();
  const origin = randomBytes(16).toString('latin1');
  let warnings: string[];
  let source: () => string;
  let receiver: MessageCheck;

  beforeEach(() => {
    time.install(randomOf(1));
    warnings = [];
    source = () => KEY;
    const warn = (warning: string): void => void warnings.push(warning);
    const keyring = new Keyring({
      source: () => source(),
      fleetId: 'fleet',
      manager: 'store',
      warn,
    });
    keyring.open();
    receiver = new MessageCheck({
      fleetId: 'fleet',
      ownOrigin: 'own',
      keyring,
      manager: 'store',
      warn,
    });
    receiver.subscribed();
  });

  afterEach(() => {
    time.uninstall();
  });

  function message(given: Partial<FleetMessage> = {}): FleetMessage {
    const fleet = fleetDigest('fleet');
    const header = { origin, fleet, sequence: 1, time: Date.now(), quietMs: Infinity };
    return { kind: 'changed', entries: [], ...header, ...given };
  }

  function receive(given: Partial<FleetMessage>, key = KEY) {
    return receiver.accept(encodeMessage(message(given), new FleetKey(key, 'fleet')));
  }

  it('survive the wire', () => {
    const key = new FleetKey(KEY, 'fleet');
    const entries = [
      { name: key.digestOfName('A'), version: key.digestOfVersion('A', '1') },
      { name: key.digestOfName('B'), version: undefined },
    ];
    for (const given of [
      message({ entries, quietMs: 12 }),
      message({ entries: 'all', kind: 'revoked' }),
      message({ kind: 'heartbeat', sequence: 2 ** 40 }),
    ]) {
      expect(decodeMessage(encodeMessage(given, key))).toEqual(given);
    }
  });

  it('have at most 4 KiB', () => {
    const key = new FleetKey(KEY, 'fleet');
    const entry = { name: key.digestOfName('A'), version: key.digestOfVersion('A', '1') };
    const entries = Array.from({ length: MAX_NAMES }, () => entry);

    expect(encodeMessage(message({ entries }), key).length).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    expect(MAX_NAMES).toBeGreaterThan(100);
  });

  it('are accepted once', () => {
    expect(receive({ sequence: 1 })).toMatchObject({ isOwn: false, isAfterGap: false });
    expect(receive({ sequence: 1 })).toBeUndefined();
    expect(receive({ sequence: 2 })).toMatchObject({ isAfterGap: false });
    expect(receiver).toMatchObject({ received: 2, refused: 1 });
  });

  it('show a gap, and are accepted late', () => {
    receive({ sequence: 1 });

    expect(receive({ sequence: 4 })).toMatchObject({ isAfterGap: true });
    expect(receive({ sequence: 2 })).toMatchObject({ isAfterGap: false });
    expect(receive({ sequence: 2 })).toBeUndefined();
    expect(receive({ sequence: 3 })).toMatchObject({ isAfterGap: false });
    expect(receive({ sequence: 5 })).toMatchObject({ isAfterGap: false });
  });

  it('show a gap by the sequence of a heartbeat', async () => {
    receive({ sequence: 1 });
    await time.advance(10);

    expect(receive({ kind: 'heartbeat', sequence: 1 })).toMatchObject({ isAfterGap: false });
    expect(receive({ kind: 'heartbeat', sequence: 1 })).toBeUndefined();
    await time.advance(10);
    expect(receive({ kind: 'heartbeat', sequence: 2 })).toMatchObject({ isAfterGap: true });
  });

  it('show a gap by a heartbeat of a clock that was set back', () => {
    receive({ kind: 'heartbeat', sequence: 1 });
    const time = Date.now() - 30_000;

    expect(receive({ kind: 'heartbeat', sequence: 1, time })).toBeUndefined();
    expect(receive({ kind: 'heartbeat', sequence: 2, time })).toMatchObject({ isAfterGap: true });
    expect(receive({ kind: 'heartbeat', sequence: 2, time: time + 1 })).toBeUndefined();
  });

  it('that the key does not fit are warned of once, unless others arrive in between', () => {
    for (let sequence = 1; sequence <= 30; sequence++) {
      receive({ sequence }, NEXT_KEY);
      receive({ sequence });
    }
    expect(warnings).toEqual([]);

    for (let sequence = 31; sequence <= 60; sequence++) receive({ sequence }, NEXT_KEY);
    expect(warnings).toEqual([
      expect.stringContaining('"fleet" that its `fleet.key` does not fit'),
    ]);
  });

  it('start with a baseline, and again after two minutes of silence', async () => {
    expect(receive({ sequence: 7 })).toMatchObject({ isAfterGap: false });
    await time.advance(120_000);
    expect(receive({ sequence: 99 })).toMatchObject({ isAfterGap: false });
  });

  it('show a gap if an unknown instance has announced something since the subscription', async () => {
    await time.advance(10_000);

    expect(receive({ sequence: 2, quietMs: 5_000 })).toMatchObject({ isAfterGap: true });
  });

  it('show no gap for what was announced before the subscription', async () => {
    receive({ sequence: 1 });
    await time.advance(10_000);
    receiver.subscribed();

    expect(receive({ sequence: 9, quietMs: 5_000 })).toMatchObject({ isAfterGap: false });
    expect(receive({ sequence: 9, quietMs: 5_000 })).toBeUndefined();
  });

  it('are dropped when they are more than a minute old or ahead, with one warning an instance', () => {
    expect(receive({ sequence: 1, time: Date.now() - 60_001 })).toBeUndefined();
    expect(receive({ sequence: 2, time: Date.now() + 60_001 })).toBeUndefined();
    expect(receive({ sequence: 3, time: Date.now() - 59_000 })).toBeDefined();

    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('Synchronise the clocks');
  });

  it('are recognised as own', () => {
    const own = randomBytes(16).toString('latin1');
    const keyring = new Keyring({
      source: KEY,
      fleetId: 'fleet',
      manager: 'x',
      warn: () => undefined,
    });
    keyring.open();
    const options = { fleetId: 'fleet', manager: 'x', warn: () => undefined };
    const sender = new MessageCheck({ ...options, ownOrigin: own, keyring });

    const bytes = encodeMessage(message({ origin: own }), new FleetKey(KEY, 'fleet'));

    expect(sender.accept(bytes)).toMatchObject({ isOwn: true });
    expect(sender.received).toBe(0);
  });

  it('ask for the key again if none fits, at most once a second', async () => {
    let asked = 0;
    source = () => {
      asked += 1;
      return asked < 2 ? KEY : NEXT_KEY;
    };
    for (let sequence = 1; sequence < 50; sequence++) receive({ sequence }, NEXT_KEY);
    expect(asked).toBe(0);

    await time.advance(1_000);
    for (let sequence = 50; sequence < 99; sequence++) receive({ sequence }, NEXT_KEY);
    expect(asked).toBe(1);
    await time.advance(1_000);

    expect(receive({ sequence: 100 }, NEXT_KEY)).toBeDefined();
    expect(receive({ sequence: 101 }, KEY)).toBeDefined();
    await time.advance(5 * 60_000);
    expect(receive({ sequence: 102 }, KEY)).toBeUndefined();
  });

  it('keep the last key if its source fails, with one warning that does not show it', async () => {
    source = () => {
      throw new Error(`no ${KEY}`);
    };
    for (let second = 0; second < 5; second++) {
      await time.advance(1_000);
      receive({ sequence: second }, NEXT_KEY);
    }

    expect(receive({ sequence: 1 })).toBeDefined();
    expect(warnings).toHaveLength(1);
    expect(warnings.join()).not.toContain(KEY);
  });

  it('warn again of a source that failed, worked, and fails again', async () => {
    const ask = async (given: () => string): Promise<void> => {
      source = given;
      await time.advance(1_000);
      receive({}, NEXT_KEY);
    };
    const fail = (): string => {
      throw new Error('It is down.');
    };
    for (const given of [fail, fail, () => KEY, fail]) await ask(given);

    expect(warnings).toEqual(Array(2).fill(expect.stringContaining('failed. The last key stays')));
  });

  it('warn of a source that has no key any more, and keep the last key', async () => {
    source = () => undefined as unknown as string;
    await time.advance(1_000);
    receive({}, NEXT_KEY);

    expect(receive({})).toBeDefined();
    expect(warnings).toEqual([expect.stringContaining('must be a string, and is undefined')]);
  });

  it.each(['', 'short', '15 bytes long..'])('need a key of 16 bytes (%j)', (key) => {
    const keyring = new Keyring({
      source: () => key,
      fleetId: 'fleet',
      manager: 'store',
      warn: () => undefined,
    });

    expect(() => keyring.open()).toThrow('openssl rand -base64 32');
  });
});
