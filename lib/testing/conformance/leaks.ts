import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { attempt } from '../../core/errors/safe-access';

/** Values unlike any name, path or word, so that every part of them can be found. */
export const VALUE = 'sk-Vq7RzkW2mXt9Lp4e';
export const NEW_VALUE = 'sk-Bn3HydJ8wQc6Fs5u';

const SHORTEST_PART = 6;

/** Fails if `shown` holds a canary, or six characters in a row of a value of the kit. */
export function assertShowsNothing(
  shown: unknown,
  canaries: readonly string[],
  what: string,
): void {
  const everything = everythingOf(shown);
  for (const secret of [...partsOf(VALUE), ...partsOf(NEW_VALUE), ...canaries.flatMap(formsOf)]) {
    assert.ok(!everything.includes(secret), `${what} shows what must not be shown`);
  }
}

/** Returns every printed form of a thing. */
function everythingOf(shown: unknown): string {
  const options = { depth: 9, showHidden: true, getters: true, maxArrayLength: null };
  return [
    inspect(shown, { ...options, maxStringLength: null }),
    attempt(() => String(shown)),
    attempt(() => JSON.stringify(shown)),
  ].join();
}

/** Returns all parts of six characters. A masked value still shows some. */
function partsOf(value: string): string[] {
  const count = value.length - SHORTEST_PART + 1;
  return Array.from({ length: count }, (_, start) => value.slice(start, start + SHORTEST_PART));
}

function formsOf(canary: string): string[] {
  const inBase64 = Buffer.from(canary).toString('base64');
  return [canary, encodeURIComponent(canary), JSON.stringify(canary).slice(1, -1), inBase64];
}
