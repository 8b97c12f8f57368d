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

/** What is remembered of a key that was replaced: of the key itself only its digest. */
export interface PreviousKey {
  readonly digest: string;
  /** The digest of the key that replaced it: it counts beside no other. */
  readonly successor: string;
  readonly validUntil: string;
}

/** Whether a key that was replaced may still be used beside the one that replaced it. */
export function isStillValid(stored: string | undefined, digest: string, current: string): boolean {
  const { digest: previous = '', successor = '', validUntil = '' } = parse(stored);
  return (
    isSameDigest(previous, digest) &&
    isSameDigest(successor, current) &&
    Date.now() < Date.parse(validUntil)
  );
}

function parse(stored: string | undefined): Partial<Record<keyof PreviousKey, string>> {
  try {
    const parsed: unknown = JSON.parse(stored ?? '{}');
    const entries = Object.entries(parsed ?? {}).filter(([, value]) => typeof value === 'string');
    return Object.fromEntries(entries);
  } catch {
    return {}; // what is no record of ours makes no key valid
  }
}
