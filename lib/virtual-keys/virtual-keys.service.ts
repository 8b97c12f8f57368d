import { assertCallOptions, assertSecretValue } from '../core/call-arguments';
import type { CallOptions } from '../core/cancellation';
import { countingDown } from '../core/clock';
import {
  DEFAULT_RECOVERY_WINDOW_IN_DAYS,
  type DeleteOptions,
  type OperationOptions,
  type OptionalOperation,
  type WriteOptions,
} from '../core/custom-secret-manager';
import {
  SecretManagerError,
  isSecretManagerError,
  type OperationContext,
} from '../core/secret-manager.error';
import { kindOf, quoteName } from '../core/secret-name';
import type { SecretPipeline } from '../policies/compose';
import { waitFor } from '../policies/flight';
import { asOutcome, type Pipeline } from '../policies/policy';
import { Turns, rotateSecret } from '../rotation';
import type { ResolvedOptions } from '../secret-manager.options';
import { digestOf, isSameDigest, isStillValid, makeKey, type PreviousKey } from './key-digest';
import { previousName, storedName, type VirtualKey } from './virtual-key-names';

/** The outcome of making or replacing a key: the one time that the library hands its value out. */
export interface StoredVirtualKey {
  /** The name of the secret that holds it. */
  readonly storedName: string;
  readonly value: string;
}

export interface VerifyOptions extends OperationOptions {
  /** How old the stored key may be, in milliseconds. 0 asks the store. Default: the cache's bounds. */
  readonly maxAgeMs?: number;
}

export interface RotateVirtualKeyOptions extends WriteOptions {
  /** For how long the key that is replaced goes on to be verified, in milliseconds. Default 0: not at all. */
  readonly overlapMs?: number;
}

/** A call that is permitted, with its arguments found right. */
interface Call extends OperationContext {
  readonly secretName: string;
  readonly options: CallOptions & { readonly timeoutMs: number };
}

/**
 * The keys that a gateway issues, kept in the store below `prefixForStoredVirtualKeys`. `storeVirtualKeys` permits it, whatever
 * `accessMode` and `hostedKeys` say of the application's own secrets (`NOT_PERMITTED` otherwise). `params` reach every call.
 *
 * What fails is thrown, never logged and forgotten, and every method can be repeated.
 */
export class VirtualKeysService {
  readonly #pipeline: Pipeline;
  readonly #assertSupported: SecretPipeline['assertSupported'];
  readonly #options: ResolvedOptions;
  readonly #turns = new Turns();

  /** @internal made by `SecretManagerModule` */
  constructor({ virtualKeys, assertSupported }: SecretPipeline, options: ResolvedOptions) {
    this.#pipeline = virtualKeys;
    this.#assertSupported = assertSupported;
    this.#options = options;
  }

  /**
   * Stores a key, of 256 random bits unless a `value` is given. Rejects with `CONFLICT` if the alias is taken, also by another
   * instance at the same moment.
   */
  async create(
    key: VirtualKey & { readonly value?: string },
    options: WriteOptions = {},
  ): Promise<StoredVirtualKey> {
    const call = this.permitted('create', key, options, ['writeSecret']);
    const name = call.secretName;
    const { value = makeKey() } = key;
    assertKey(value, call);
    await this.assertFree(name, call);
    const { settings } = this.#options;
    const { description = settings.description } = options;
    const tags = settings.tags || options.tags ? { ...settings.tags, ...options.tags } : undefined;
    const write = { ...call.options, description, tags, createOnly: true };
    await this.#pipeline.writeSecret(name, value, write).catch((error: unknown) => {
      throw isConflict(error) ? taken(name, call) : error;
    });
    return { storedName: name, value };
  }

  /** Resolves to whether the candidate is the key, or one that it replaced and that still overlaps. Compares in constant time. */
  async verify(key: VirtualKey, candidate: string, options: VerifyOptions = {}): Promise<boolean> {
    const call = this.permitted('verify', key, options);
    const { maxAgeMs } = options;
    const name = call.secretName;
    if (typeof candidate !== 'string' || candidate === '') return false;
    const stored = await this.#pipeline.readSecret(name, { ...call.options, maxAgeMs });
    if (stored === undefined) return false;
    const [digest, current] = [digestOf(candidate), digestOf(stored.value)];
    if (isSameDigest(digest, current)) return true;
    const record = previousName(this.#options.settings.prefixForStoredVirtualKeys, name);
    const previous = await this.#pipeline.readSecret(record, { ...call.options, maxAgeMs });
    return isStillValid(previous?.value, digest, current);
  }

  /**
   * Gives a key a new value, random unless one is given, and another alias if one is given; description and tags stay. Rejects
   * with `NOT_FOUND` if the key was never stored, and with `CONFLICT` if the new alias is taken; nothing is changed then.
   */
  async rotate(
    key: VirtualKey,
    {
      alias = key?.alias,
      value = makeKey(),
    }: { readonly alias?: string | null; readonly value?: string } = {},
    options: RotateVirtualKeyOptions = {},
  ): Promise<StoredVirtualKey> {
    return await this.replace('rotate', key, { alias, value }, options);
  }

  /** Moves a key to another alias, with its value, description and tags. Fails as {@link rotate} does. */
  async rename(
    key: VirtualKey,
    { alias }: { readonly alias?: string | null } = {},
    options: WriteOptions = {},
  ): Promise<StoredVirtualKey> {
    return await this.replace('rename', key, { alias, value: undefined }, options);
  }

  /**
   * Deletes keys; one that is missing is no failure. Resolves to what came of each, by id: `undefined`, or the error that kept
   * that one from being deleted.
   */
  async delete(
    keys: readonly VirtualKey[],
    options: DeleteOptions = {},
  ): Promise<ReadonlyMap<string, SecretManagerError | undefined>> {
    const context = this.permit('delete', ['deleteSecret']);
    if (!isList(keys)) throw notAList(keys, context);
    const outcomes = keys.map(async (key) => {
      const outcome = await this.deleteOne(key, options).catch(asOutcome);
      return [key?.id, outcome] as const;
    });
    return new Map(await Promise.all(outcomes));
  }

  private async deleteOne(key: VirtualKey, options: DeleteOptions): Promise<undefined> {
    const call = this.permitted('delete', key, options, ['deleteSecret']);
    const { recoveryWindowInDays = DEFAULT_RECOVERY_WINDOW_IN_DAYS } = options;
    await this.#pipeline.deleteSecret(call.secretName, { ...call.options, recoveryWindowInDays });
  }

  private async replace(
    operation: 'rotate' | 'rename',
    key: VirtualKey,
    next: { readonly alias?: string | null; readonly value: string | undefined },
    options: RotateVirtualKeyOptions,
  ): Promise<StoredVirtualKey> {
    const call = this.permitted(operation, key, options, ['writeSecret']);
    const name = call.secretName;
    const { prefixForStoredVirtualKeys: prefix } = this.#options.settings;
    const nextName = storedName(prefix, { id: key.id, alias: next.alias }, call);
    if (nextName !== name) this.#assertSupported('deleteSecret', name);
    if (next.value !== undefined) assertKey(next.value, call);
    const { overlapMs = 0 } = options;
    assertDuration(overlapMs, call);
    const wait = (turn: Promise<unknown>): Promise<unknown> => waitFor(turn, call.options, call);
    return await this.#turns.take([...new Set([name, nextName])], wait, async () => {
      const held = await this.#pipeline.readSecret(name, { ...call.options, maxAgeMs: 0 });
      if (held === undefined) throw missing(name, call);
      const value = next.value ?? held.value;
      if (nextName === name && value === held.value) return { storedName: name, value };
      if (nextName !== name) await this.assertFree(nextName, call);
      if (overlapMs > 0) await this.remember(held.value, { value, nextName, overlapMs, call });
      await this.move(nextName, value, options, call);
      return { storedName: nextName, value };
    });
  }

  private async move(
    next: string,
    value: string,
    { description, tags }: WriteOptions,
    call: Call,
  ): Promise<void> {
    const pipeline = { outermost: this.#pipeline, assertSupported: this.#assertSupported };
    const { params, signal, timeoutMs } = call.options;
    try {
      await rotateSecret(pipeline, {
        current: call.secretName,
        next,
        value,
        options: { params, signal, description, tags, createOnly: true },
        defaults: this.#options.settings,
        timeoutMs,
        context: call,
      });
    } catch (error) {
      throw isOvertaken(error) ? taken(next, call) : error;
    }
  }

  /** Before the key is replaced: a record without its successor makes nothing valid. */
  private async remember(
    previous: string,
    {
      value,
      nextName,
      overlapMs,
      call,
    }: { value: string; nextName: string; overlapMs: number; call: Call },
  ): Promise<void> {
    const record: PreviousKey = {
      digest: digestOf(previous),
      successor: digestOf(value),
      validUntil: new Date(Date.now() + overlapMs).toISOString(),
    };
    const name = previousName(this.#options.settings.prefixForStoredVirtualKeys, nextName);
    await this.#pipeline.writeSecret(name, JSON.stringify(record), call.options);
  }

  /** A manager may be one that knows nothing of `createOnly`, so the store is asked first. */
  private async assertFree(name: string, call: Call): Promise<void> {
    const existing = await this.#pipeline.readSecret(name, { ...call.options, maxAgeMs: 0 });
    if (existing !== undefined) throw taken(name, call);
  }

  private permitted(
    operation: string,
    key: VirtualKey,
    options: VerifyOptions & WriteOptions & DeleteOptions,
    needed: readonly OptionalOperation[] = [],
  ): Call {
    const context = this.permit(operation, needed);
    assertCallOptions(options, context);
    const { prefixForStoredVirtualKeys: prefix } = this.#options.settings;
    const { signal, timeoutMs = this.#options.timeoutMs } = options;
    const params = options.params && structuredClone(options.params); // the caller may change it meanwhile
    return {
      ...context,
      secretName: storedName(prefix, key, context),
      options: countingDown({ params, signal }, timeoutMs),
    };
  }

  private permit(operation: string, needed: readonly OptionalOperation[]): OperationContext {
    const { storeVirtualKeys, prefixForStoredVirtualKeys: prefix } = this.#options.settings;
    const context = { manager: this.#pipeline.secretManagerName, operation };
    if (!storeVirtualKeys) throw notPermitted(context);
    for (const each of needed) this.#assertSupported(each, prefix);
    return context;
  }
}

function notPermitted(context: OperationContext): SecretManagerError {
  return new SecretManagerError(
    'NOT_PERMITTED',
    `${context.operation}() of a virtual key is not permitted: storeVirtualKeys is false. Set it to true.`,
    context,
  );
}

function isList(keys: readonly VirtualKey[]): boolean {
  return Array.isArray(keys);
}

function notAList(keys: unknown, context: OperationContext): SecretManagerError {
  const message = `delete() takes a list of virtual keys, and not ${kindOf(keys)}.`;
  return new SecretManagerError('INVALID_ARGUMENT', message, context);
}

function assertKey(value: string, context: OperationContext): void {
  assertSecretValue(value, context);
  if (value !== '') return;
  throw new SecretManagerError('INVALID_ARGUMENT', 'A virtual key must not be empty.', context);
}

function assertDuration(overlapMs: number, context: OperationContext): void {
  if (Number.isFinite(overlapMs) && overlapMs >= 0) return;
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    'The option `overlapMs` must be a number of milliseconds, 0 or more.',
    context,
  );
}

function isConflict(error: unknown): boolean {
  return isSecretManagerError(error) && error.code === 'CONFLICT';
}

/** Another instance took the alias after it was found free, and before anything was written. */
function isOvertaken(error: unknown): boolean {
  return isSecretManagerError(error) && error.causeCode === 'CONFLICT' && error.done?.length === 0;
}

function taken(name: string, context: OperationContext): SecretManagerError {
  return new SecretManagerError(
    'CONFLICT',
    `There is a virtual key ${quoteName(name)} already. Nothing was changed.`,
    { ...context, secretName: name },
  );
}

function missing(name: string, context: OperationContext): SecretManagerError {
  return new SecretManagerError(
    'NOT_FOUND',
    `There is no virtual key ${quoteName(name)}. Nothing was written.`,
    { ...context, secretName: name },
  );
}
