import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const RANDOM_BYTES = 32;

/** A key that nobody can guess: 256 random bits. */
export function makeKey(): string {
  return `sk-${randomBytes(RANDOM_BYTES).toString('base64url')}`;
}

export function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}

/** In a time that tells nothing of how much of them is alike. */
export function isSameDigest(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
