import { digestOf, isSameDigest } from './key-digest';

/** A key that was replaced. Only its digest is stored. */
interface ReplacedKey {
  readonly digest: string;
  /** The digest of its successor. The key is valid only beside that one, so a leftover record makes nothing valid. */
  readonly successor: string;
  readonly validUntil: string;
}

/** Tells whether a replaced key may still be used beside the current one. */
export function isStillValid(record: string | undefined, digest: string, current: string): boolean {
  const isMeant = (replaced: ReplacedKey): boolean =>
    isSameDigest(replaced.digest, digest) && isSameDigest(replaced.successor, current);
  return replacedIn(record).filter(isMeant).length > 0;
}

/**
 * Returns the record of a rotation that is about to begin, and may fail. It holds the replaced key, and the earlier
 * keys that still overlap. Each earlier key is valid beside the current key and beside its successor.
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

/** Returns the replaced keys that still overlap. An invalid record holds none. */
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
