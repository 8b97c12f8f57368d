import { createHash, timingSafeEqual } from 'node:crypto';

export function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}

/** Compares two digests in constant time. */
export function isSameDigest(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
