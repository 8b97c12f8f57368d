import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

const TICK_MS = 10;

/** Calls `send` `perSecond` times a second, whatever the outcomes. Resolves when all calls have ended. */
export async function traffic(perSecond, seconds, send) {
  const startedAt = performance.now();
  const pending = [];
  const total = Math.round(perSecond * seconds);
  while (pending.length < total) {
    const due = Math.min(total, ((performance.now() - startedAt) / 1_000) * perSecond);
    while (pending.length < due) pending.push(send(pending.length));
    await pause(TICK_MS);
  }
  return await Promise.all(pending);
}

const random = (length) => randomBytes(length).toString('base64url').slice(0, length);

/** Made-up authorizations in every form. */
const MADE_UP = [
  () => `Bearer sk-${random(65)}`,
  () => `Bearer sk-${random(43)}`,
  () => `Bearer sk-${random(16)}`,
  () => `Bearer sk-${random(2_000)}`,
  () => 'Bearer sk-one-and-the-same-key',
  () => `Bearer ${randomBytes(32).toString('hex')}`,
  () => `sk-${random(43)}`,
  () => `Bearer sk-\u00fcml\u00e4ut-${random(20)}`,
];

export function madeUp(at) {
  return MADE_UP[at % MADE_UP.length]();
}

export function percentile(answers, share) {
  const sorted = answers.map(({ ms }) => ms).sort((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}

export function countOf(answers, ...statuses) {
  return answers.filter(({ status }) => statuses.includes(status)).length;
}
