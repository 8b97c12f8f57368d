import { Damage } from '../pages/damage';

/**
 * The costs of scrypt: 32 MiB and a few tenths of a second. OWASP lists them among equally strong choices, and a small
 * container can afford them.
 */
export const SCRYPT = { cost: 2 ** 15, blockSize: 8, parallelization: 3 };
export const SCRYPT_BYTES_MAX = 2 ** 28;
/** The limit of the work, about two seconds. */
const SCRYPT_WORK_MAX = 2 ** 22;
const SCRYPT_COST_MIN = 2 ** 14;

export type ScryptCosts = typeof SCRYPT;

/** The parameters from which the keys of a store are derived. The head of the store holds them in plain text. */
export type Derivation =
  | { readonly from: 'key'; readonly salt: string }
  | ({ readonly from: 'passphrase'; readonly salt: string } & ScryptCosts);

/** Parses the derivation of a head, which anybody may have changed. Throws {@link Damage} for costs out of bounds. */
export function parseDerivation(given: unknown): Derivation {
  if (typeof given !== 'object' || given === null) throw new Damage();
  const { from, salt, ...costs } = given as Partial<Record<string, unknown>>;
  if (typeof salt !== 'string') throw new Damage();
  if (from === 'key') return { from, salt };
  if (from !== 'passphrase' || !areWithinBounds(costs)) throw new Damage();
  const { cost, blockSize, parallelization } = costs;
  return { from, salt, cost, blockSize, parallelization };
}

function areWithinBounds(costs: Partial<Record<string, unknown>>): costs is ScryptCosts {
  const { cost, blockSize, parallelization } = costs;
  if (!isCount(cost) || !isCount(blockSize) || !isCount(parallelization)) return false;
  const isPowerOfTwo = Number.isInteger(Math.log2(cost));
  const isStrong = cost >= SCRYPT_COST_MIN && blockSize >= 8;
  const isBounded =
    128 * cost * blockSize < SCRYPT_BYTES_MAX &&
    cost * blockSize * parallelization <= SCRYPT_WORK_MAX;
  return isPowerOfTwo && isStrong && isBounded;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1;
}
