import { digestOf, isSameDigest } from './key-digest';

/** What is remembered of a key that was replaced: of the key itself only its digest. */
interface ReplacedKey {
  readonly digest: string;
  /** The digest of the key that replaced it: it counts beside no other, so that a record left over makes nothing valid. */
  readonly successor: string;
  readonly validUntil: string;
}

/** Whether a key that was replaced may still be used beside the current one. */
export function isStillValid(record: string | undefined, digest: string, current: string): boolean {
  const isMeant = (replaced: ReplacedKey): boolean =>
    isSameDigest(replaced.digest, digest) && isSameDigest(replaced.successor, current);
  return replacedIn(record).filter(isMeant).length > 0;
}

/**
 * The record of a rotation that is about to begin, and may fail: with the key that is replaced, and with all that were replaced
 * before it and still overlap, each beside the key of today and beside the one of tomorrow.
 */
export function recordOf(
  rotation: { readonly from: string; readonly to: string; readonly overlapMs: number },
  before: string | undefined,
): string | undefined {
  const { from, to, overlapMs } = rotation;
  const successor = digestOf(to);
  const kept = replacedIn(before);
  const carried = kept
    .filter((replaced) => isSameDigest(replaced.successor, digestOf(from)))
    .map((replaced) => ({ ...replaced, successor }));
  const validUntil = new Date(Date.now() + overlapMs).toISOString();
  const replaced = overlapMs > 0 ? [{ digest: digestOf(from), successor, validUntil }] : [];
  const all = [...kept, ...carried, ...replaced];
  return carried.length + replaced.length === 0 ? undefined : JSON.stringify(all);
}

/** What is no record of ours makes no key valid; what is over is left out. */
function replacedIn(record: string | undefined): readonly ReplacedKey[] {
  try {
    const parsed: unknown = JSON.parse(record ?? '[]');
    return Array.isArray(parsed) ? parsed.filter(isReplacedKey).filter(isOverlapping) : [];
  } catch {
    return [];
  }
}

function isReplacedKey(candidate: unknown): candidate is ReplacedKey {
  if (typeof candidate !== 'object' || candidate === null) return false;
  const { digest, successor, validUntil } = candidate as Record<string, unknown>;
  return [digest, successor, validUntil].every((field) => typeof field === 'string');
}

function isOverlapping({ validUntil }: ReplacedKey): boolean {
  return Date.now() < Date.parse(validUntil);
}
