import { Damage } from '../pages/damage';

/** The entry of a secret in its bucket. */
export interface Entry {
  readonly name: string;
  readonly version: number;
  /** The tag of its record, so that no other record fits. */
  readonly tag: Buffer;
  /** The time, in milliseconds, at which a deleted secret is removed for good. */
  readonly deletionAt?: number;
}

/** The secrets of one bucket, by name. */
export type Bucket = ReadonlyMap<string, Entry>;

export function encodeBucket(bucket: Bucket): Buffer {
  const rows = [...bucket.values()].map(({ name, version, tag, deletionAt }) => [
    name,
    version,
    tag.toString('base64'),
    deletionAt,
  ]);
  return Buffer.from(JSON.stringify(rows));
}

/** Returns the bucket of what {@link encodeBucket} has made. */
export function decodeBucket(bytes: Buffer): Bucket {
  const rows = parseJson(bytes) as readonly [string, number, string, number | null][]; // nobody but us can have sealed it
  return new Map(
    rows.map(([name, version, tag, deletionAt]) => [
      name,
      {
        name,
        version,
        tag: Buffer.from(tag, 'base64'),
        ...(deletionAt !== null && { deletionAt }),
      },
    ]),
  );
}

/** Returns the earliest end of a recovery window, `Infinity` if no secret is pending deletion. */
export function dueAtOf(bucket: Bucket): number {
  return Math.min(...[...bucket.values()].map(({ deletionAt = Infinity }) => deletionAt));
}

/** Constant text in place of what `JSON.parse` throws, which quotes. */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new Damage();
  }
}
