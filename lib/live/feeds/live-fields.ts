import type { SecretChangeListener } from '../../core/contract/secret-change';
import { SecretManagerError } from '../../core/errors/secret-manager.error';
import { kindOf, quoteName } from '../../core/errors/wording';
import { assertTakes } from './client-shape';
import { assertIsLiveValue, isLiveValue, type LiveValue } from './live-value';

/** One secret with all fields, or one handle for each field. */
export type GivenFields = LiveValue<unknown> | Readonly<Record<string, LiveValue | undefined>>;

/** The fields of a moment, and what reads them. */
export interface Fields {
  /** Returns a text. Throws `MALFORMED` unless it is there and not empty. */
  readonly text: (...names: readonly string[]) => string;
  /** Returns a text, or `undefined` if none of the names is there. Throws `MALFORMED` for another type. */
  readonly optionalText: (...names: readonly string[]) => string | undefined;
}

export interface LiveFields {
  /** The names of the secrets, quoted. */
  readonly names: string;
  reveal(): Fields;
  get(): Promise<Fields>;
  onChange(listener: SecretChangeListener): () => void;
  /** Reads the secrets again, within the limit of `secret.use()`. A newer value is reported as a change. */
  renew(): void;
}

/** The names under which a feed takes a handle for each field. */
export interface HandleNames {
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

/** Returns the fields of a secret, or of one handle for each field. Throws `INVALID_ARGUMENT` for anything else. */
export function liveFields(
  feed: string,
  given: GivenFields,
  { required, optional }: HandleNames = { required: [], optional: [] },
): LiveFields {
  if (isLiveValue(given)) return fieldsOfOne(given);
  if (typeof given !== 'object' || given === null) assertIsLiveValue(feed, given);
  const handles = Object.entries(given).flatMap(([field, handle]) => {
    if (handle === undefined) return [];
    assertIsLiveValue(feed, handle);
    return [[field, handle] as const];
  });
  if (handles.length === 0) assertIsLiveValue(feed, undefined);
  const names = handles.map(([field]) => field);
  const missing = required.filter((field) => !names.includes(field));
  const unknown = names.filter((field) => ![...required, ...optional].includes(field));
  const takes = `one secret, or handles with the names ${[...required, ...optional].join(', ')}`;
  const problems = `${missing.map((field) => `, ${field} is missing`).join('')}${unknown.map((field) => `, ${quoteName(field)} is unknown`).join('')}`;
  assertTakes(feed, `${takes}${problems}`, problems === '');
  return fieldsOfMany(handles);
}

function fieldsOfOne(secret: LiveValue<unknown>): LiveFields {
  return {
    names: quoteName(secret.name),
    reveal: () => parseFields(secret.reveal(), secret.name),
    get: async () => parseFields(await secret.get(), secret.name),
    onChange: (listener) => secret.onChange(listener),
    renew: () => renew(secret),
  };
}

function fieldsOfMany(handles: readonly (readonly [string, LiveValue])[]): LiveFields {
  const nameOf = handles.map(([, { name }]) => name).join(' and ');
  return {
    names: handles.map(([, { name }]) => quoteName(name)).join(' and '),
    reveal: () =>
      toFields(Object.fromEntries(handles.map(([field, { reveal }]) => [field, reveal()])), nameOf),
    get: async () =>
      toFields(
        Object.fromEntries(
          await Promise.all(handles.map(async ([field, handle]) => [field, await handle.get()])),
        ) as object,
        nameOf,
      ),
    onChange: (listener) => {
      const stops = handles.map(([, handle]) => handle.onChange(listener));
      return () => stops.forEach((stop) => stop());
    },
    renew: () => handles.forEach(([, handle]) => renew(handle)),
  };
}

function renew(secret: LiveValue<unknown>): void {
  const reject = (): Promise<never> => Promise.reject(new Error('The login was refused.'));
  secret.use(reject, { isRejected: () => true }).catch(() => undefined);
}

/** Returns the fields of an object, or of its text as JSON. Throws `MALFORMED` for anything else. */
export function parseFields(value: unknown, secretName: string): Fields {
  return toFields(parse(value, secretName), secretName);
}

/** Returns the object that a secret holds. The error is constant, because `JSON.parse` quotes the value. */
function parse(value: unknown, secretName: string): object {
  const parsed = typeof value === 'string' ? parseJson(value) : value;
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  throw malformed(secretName, 'is no JSON object');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toFields(values: object, secretName: string): Fields {
  const optionalText = (...names: readonly string[]): string | undefined => {
    const name = names.find((field) => (Reflect.get(values, field) ?? undefined) !== undefined);
    if (name === undefined) return undefined;
    const value: unknown = Reflect.get(values, name);
    if (typeof value === 'string') return value;
    throw malformed(secretName, `has ${kindOf(value)} as its field ${name}, which must be a text`);
  };
  const text = (...names: readonly string[]): string => {
    const value = optionalText(...names);
    if (value === undefined) throw malformed(secretName, `has no field ${names.join(' or ')}`);
    if (value === '') throw malformed(secretName, `has an empty field ${names.join(' or ')}`);
    return value;
  };
  return { text, optionalText };
}

export function malformed(secretName: string, problem: string): SecretManagerError {
  const message = `The secret ${quoteName(secretName)} ${problem}.`;
  return new SecretManagerError('MALFORMED', message, { secretName, operation: 'get' });
}
