import { randomBytes } from 'node:crypto';
import { MessageCheck } from '../../../lib/fleet/wire/message-check';
import { FleetKey, fleetDigest } from '../../../lib/fleet/wire/fleet-key';
import { Keyring } from '../../../lib/fleet/wire/keyring';
import { encodeMessage, type FleetMessage } from '../../../lib/fleet/wire/message';
import { randomOf } from '../../support/virtual-time';

/** The number of messages: 50 000 by default; `FUZZ_MESSAGES=1000000` for the full test. */
const MESSAGES = Number(process.env.FUZZ_MESSAGES ?? 50_000);
const KEY = 'the key of the fleet, long enough';

type Forge = (genuine: Buffer, random: () => number) => unknown;

const anyIndex = (bytes: Buffer, random: () => number): number =>
  Math.floor(random() * bytes.length);

const FORGERIES: Readonly<Record<string, Forge>> = {
  'a flipped bit': (genuine, random) => {
    const bytes = Buffer.from(genuine);
    const at = anyIndex(bytes, random);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    return bytes;
  },
  'a cut': (genuine, random) => genuine.subarray(0, anyIndex(genuine, random)),
  'an appendix': (genuine, random) =>
    Buffer.concat([genuine, randomBytes(1 + Math.floor(random() * 64))]),
  'a replay': (genuine) => Buffer.from(genuine),
  'random bytes': (_, random) => randomBytes(Math.floor(random() * 300)),
  'the form, with a random MAC': (genuine) =>
    Buffer.concat([genuine.subarray(0, -32), randomBytes(32)]),
  'another key': (_, random) =>
    encodeMessage(message(random), new FleetKey(`other ${KEY}`, 'fleet')),
  'another fleet': (_, random) =>
    encodeMessage({ ...message(random), fleet: fleetDigest('other') }, new FleetKey(KEY, 'other')),
  'a message from long ago': (_, random) =>
    encodeMessage({ ...message(random), time: Date.now() - 61_000 }, new FleetKey(KEY, 'fleet')),
  'a message from the future': (_, random) =>
    encodeMessage({ ...message(random), time: Date.now() + 61_000 }, new FleetKey(KEY, 'fleet')),
  'too many bytes': () => randomBytes(4_097),
  'no bytes at all': (_, random) => ['text', undefined, null, {}, 7, []][Math.floor(random() * 6)],
};

function message(random: () => number): FleetMessage {
  const names = Array.from({ length: Math.floor(random() * 4) }, () => ({
    name: randomBytes(16),
    version: random() < 0.5 ? undefined : randomBytes(16),
  }));
  return {
    kind: (['changed', 'revoked', 'heartbeat'] as const)[Math.floor(random() * 3)] ?? 'changed',
    fleet: fleetDigest('fleet'),
    origin: randomBytes(16).toString('latin1'),
    sequence: Math.floor(random() * 1_000),
    time: Date.now(),
    quietMs: Infinity,
    entries: random() < 0.1 ? 'all' : names,
  };
}

function messageCheck(): MessageCheck {
  const options = { manager: 'test', warn: () => undefined };
  const keyring = new Keyring({ source: KEY, fleetId: 'fleet', ...options });
  keyring.open();
  return new MessageCheck({ fleetId: 'fleet', ownOrigin: 'own', keyring, ...options });
}

describe('Messages that nobody of the fleet has sent', () => {
  it(
    `are dropped and counted, all ${MESSAGES}`,
    () => {
      const random = randomOf(Number(process.env.FUZZ_SEED ?? 1));
      const receiver = messageCheck();
      const key = new FleetKey(KEY, 'fleet');
      const kinds = Object.entries(FORGERIES);
      const accepted: string[] = [];
      let genuine = encodeMessage(message(random), key);
      expect(receiver.accept(genuine)).toBeDefined();

      for (let count = 0; count < MESSAGES; count++) {
        const [kind, forge] = kinds[count % kinds.length] ?? [];
        if (receiver.accept(forge?.(genuine, random)) !== undefined) accepted.push(String(kind));
        if (count % 1_000 !== 999) continue;
        genuine = encodeMessage(message(random), key);
        if (receiver.accept(genuine) === undefined)
          throw new Error('a genuine message was dropped');
      }

      expect(accepted).toEqual([]);
      expect(receiver.refused).toBe(MESSAGES);
    },
    MESSAGES + 60_000,
  );

  it('are dropped if they are authentic, but do not follow the format', () => {
    const receiver = messageCheck();
    const key = new FleetKey(KEY, 'fleet');
    const sign = (bytes: Buffer): Buffer => {
      const signed = bytes.subarray(0, -32);
      return Buffer.concat([signed, key.macOf(signed)]);
    };
    const genuine = encodeMessage(
      message(() => 0.5),
      key,
    );
    const wrongKind = Buffer.from(genuine);
    wrongKind[49] = 9;
    const wrongCount = Buffer.from(genuine);
    wrongCount.writeUInt16BE(100, 50);
    const wrongFormat = Buffer.from(genuine);
    wrongFormat[0] = 2;

    for (const bytes of [wrongKind, wrongCount, wrongFormat]) {
      expect(receiver.accept(sign(bytes))).toBeUndefined();
    }
    expect(receiver.refused).toBe(3);
  });
});
