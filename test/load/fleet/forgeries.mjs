/** Messages of somebody without the key: random, genuine with changes, and genuine again. */
import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { rawPublisher } from './clients.mjs';

const BATCH = 500;
const LONGEST_BYTES = 5_000;
const HEADER_BYTES = 33;
const ARRIVES_WITHIN_MS = 30_000;

/** Sends forged messages. Resolves to the number of cases in which an instance has not refused one. */
export async function forge(fleet, total) {
  const publisher = await rawPublisher(fleet.broker);
  try {
    const before = await fleet.statuses();
    const expected = before.map(({ status }) => status.refused);
    let sent = 0;
    while (sent < total) {
      const batch = forgedBatch(await fleet.statuses(), Math.min(BATCH, total - sent));
      await publisher.publish(batch.map(({ bytes }) => bytes));
      sent += batch.length;
      for (const { sender } of batch) {
        // A message that comes back to its sender is a sign of life, and is counted neither way.
        expected.forEach((_, instance) => (expected[instance] += instance === sender ? 0 : 1));
      }
      const accepted = await notRefused(fleet, expected);
      if (accepted > 0) return { sent, accepted };
    }
    return { sent, accepted: 0 };
  } finally {
    await publisher.close();
  }
}

/** Waits until all forged messages are refused. Returns the number that is not. */
async function notRefused(fleet, expected) {
  const giveUpAt = performance.now() + ARRIVES_WITHIN_MS;
  for (;;) {
    const statuses = await fleet.statuses();
    const missing = statuses.map(({ status }, at) => Math.max(0, expected[at] - status.refused));
    const sum = missing.reduce((total, count) => total + count, 0);
    if (sum === 0 || performance.now() > giveUpAt) return sum;
    await pause(10);
  }
}

/** Returns different messages, each with its genuine sender if it is a replay. */
function forgedBatch(statuses, size) {
  const genuine = statuses.flatMap(({ published }, sender) =>
    published.map((text) => ({ bytes: Buffer.from(text, 'base64'), sender })),
  );
  const batch = new Map();
  const add = (message) => batch.set(message.bytes.toString('latin1'), message);
  for (const replay of genuine) if (batch.size < size / 5) add(replay);
  while (batch.size < size) add({ bytes: FORGERS[batch.size % FORGERS.length](oneOf(genuine)) });
  return [...batch.values()];
}

const FORGERS = [
  () => randomBytes(randomInt(16, LONGEST_BYTES)),
  ({ bytes }) => Buffer.concat([bytes.subarray(0, HEADER_BYTES), randomBytes(randomInt(16, 500))]),
  ({ bytes }) => withOneBitFlipped(bytes),
  ({ bytes }) => Buffer.concat([bytes, randomBytes(randomInt(8, 64))]),
  ({ bytes }) => withRandomBytes(bytes, randomInt(8, 16)),
];

function withOneBitFlipped(bytes) {
  const flipped = Buffer.from(bytes);
  flipped[randomInt(bytes.length)] ^= 1 << randomInt(8);
  return flipped;
}

/** Returns a copy that is random at one place. */
function withRandomBytes(bytes, length) {
  const forged = Buffer.from(bytes);
  randomBytes(length).copy(forged, randomInt(bytes.length - length));
  return forged;
}

function oneOf(list) {
  return list[randomInt(list.length)];
}
