import { Damage } from '../pages/damage';

/** The entry of a secret in its bucket. */
export interface Entry {
  readonly name: string;
  readonly version: number;
  /** The tag of the secret's record. No other record is accepted. */
  readonly tag: Buffer;
  /** The time, in milliseconds, at which the deleted secret is removed permanently. */
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

/** Parses the bytes that {@link encodeBucket} made. */
export function decodeBucket(bytes: Buffer): Bucket {
  const rows = parseJson(bytes) as readonly [string, number, string, number | null][]; // the seal proves who wrote it
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

/** Returns the earliest end of a recovery window, or `Infinity` if no secret is pending deletion. */
export function dueAtOf(bucket: Bucket): number {
  return Math.min(...[...bucket.values()].map(({ deletionAt = Infinity }) => deletionAt));
}

/** Parses JSON. Throws {@link Damage}, because the error of `JSON.parse` quotes its input. */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new Damage();
  }
}
