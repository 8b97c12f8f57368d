import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { attempt } from '../../core/errors/safe-access';

/** Values that are like no name, path or word, so that a part of them is found for certain. */
export const VALUE = 'sk-Vq7RzkW2mXt9Lp4e';
export const NEW_VALUE = 'sk-Bn3HydJ8wQc6Fs5u';

const SHORTEST_PART = 6;

/** Fails if `shown` lets on one of the secrets, or a good part of one of the kit's own values. */
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

/** All that a thing shows of itself, to whatever prints it. */
function everythingOf(shown: unknown): string {
  const options = { depth: 9, showHidden: true, getters: true, maxArrayLength: null };
  return [
    inspect(shown, { ...options, maxStringLength: null }),
    attempt(() => String(shown)),
    attempt(() => JSON.stringify(shown)),
  ].join();
}

/** A value that is masked is shown in part. */
function partsOf(value: string): string[] {
  const count = value.length - SHORTEST_PART + 1;
  return Array.from({ length: count }, (_, start) => value.slice(start, start + SHORTEST_PART));
}

function formsOf(canary: string): string[] {
  const inBase64 = Buffer.from(canary).toString('base64');
  return [canary, encodeURIComponent(canary), JSON.stringify(canary).slice(1, -1), inBase64];
}
