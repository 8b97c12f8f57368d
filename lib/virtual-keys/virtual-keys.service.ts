import type { CallOptions } from '../core/calls/cancellation';
import { waitFor } from '../core/calls/waiting';
import { announceCopy } from '../core/contract/copies';
import type {
  DeleteOptions,
  OperationOptions,
  WriteOptions,
} from '../core/contract/custom-secret-manager';
import { read } from '../core/errors/safe-access';
import {
  SecretManagerError,
  isSecretManagerError,
  type OperationContext,
} from '../core/errors/secret-manager.error';
import { kindOf } from '../core/errors/wording';
import { now } from '../core/time/clock';
import { NamedLock } from '../core/time/named-lock';
import { readArguments, readList } from '../core/validation/call-arguments';
import { secretKey } from '../core/validation/params';
import type { SecretPipeline } from '../policies/compose';
import { asOutcome, type Pipeline } from '../policies/policy';
import type { ResolvedOptions } from '../secret-manager.options';
import { assertMadeByModule } from '../service/made-by-module';
import { digestOf, isSameDigest } from './key-digest';
import { KeyReplacement, taken, type Replacement } from './key-replacement';
import { hasTaggedForm, hasValidTag, makeTaggedKey } from './key-tag';
import { isStillValid } from './overlap-record';
import { SigningKeys } from './signing-keys';
import { VirtualKeyCalls, assertKey, type VirtualKeyCall } from './virtual-key-calls';
import { previousName, readVirtualKey, type VirtualKey } from './virtual-key-names';

/** The outcome of making or replacing a key: the one time that the library hands its value out. */
export interface StoredVirtualKey {
  /** The name of the secret that holds it. */
  readonly storedName: string;
  readonly value: string;
}

export interface VerifyOptions extends OperationOptions {
  /** How old the stored key may be, in milliseconds. 0 asks the store. Default: the cache's bounds. */
  readonly maxAgeMs?: number;
  /**
   * How old the stored key may be if the store cannot be asked, in milliseconds: for so long a key that was revoked elsewhere may
   * go on to open the door in an outage. Default: the cache's bounds; 0 where `maxAgeMs` is given.
   */
  readonly staleIfErrorMs?: number;
}

export interface RotateVirtualKeyOptions extends WriteOptions {
  /** For how long the key that is replaced goes on to be verified, in milliseconds. Default 0: not at all. */
  readonly overlapMs?: number;
}

const PARALLEL_DELETIONS = 16;
const RECHECK_INTERVAL_MS = 1_000;

/**
 * The keys that a gateway issues, kept in the store below `prefixForStoredVirtualKeys`. `storeVirtualKeys` permits it, whatever
 * `accessMode` and `hostedKeys` say of the application's own secrets (`NOT_PERMITTED` otherwise). `params` reach every call.
 *
 * What fails is thrown, never logged and forgotten. A rotation or a renaming that failed half-way can be repeated with the
 * same `value`, and goes on from where it was.
 */
export class VirtualKeysService {
  readonly #pipeline: Pipeline;
  readonly #assertSupported: SecretPipeline['assertSupported'];
  readonly #options: ResolvedOptions;
  readonly #calls: VirtualKeyCalls;
  readonly #replacement: KeyReplacement;
  readonly #signingKeys: SigningKeys;
  readonly #locks = new NamedLock();
  /** When a key was last looked at again because a candidate was another one. */
  readonly #rechecked = new Map<string, number>();

  /** @internal made by `SecretManagerModule` */
  constructor(pipeline: SecretPipeline, options: ResolvedOptions) {
    assertMadeByModule('VirtualKeysService', pipeline);
    this.#pipeline = pipeline.virtualKeys;
    this.#assertSupported = pipeline.assertSupported;
    this.#options = options;
    this.#calls = new VirtualKeyCalls(pipeline, options);
    this.#replacement = new KeyReplacement(pipeline, options);
    const { prefixForStoredVirtualKeys } = options.settings;
    this.#signingKeys = new SigningKeys(pipeline.virtualKeys, prefixForStoredVirtualKeys);
  }

  /**
   * Stores a key. Without a `value` it is `sk-…`, of 256 random bits and a tag by which {@link isIssuable} knows it. Rejects with
   * `CONFLICT` if the alias is taken, also by another instance at the same moment.
   */
  async create(
    key: VirtualKey & { readonly value?: string },
    options: WriteOptions = {},
  ): Promise<StoredVirtualKey> {
    const call = this.#calls.permitted('create', key, options, ['writeSecret']);
    const name = call.secretName;
    const { value: given } = readVirtualKey(key, call);
    if (given !== undefined) assertKey(given, call);
    const { settings } = this.#options;
    const { description = settings.description } = call.given;
    const tags =
      settings.tags || call.given.tags ? { ...settings.tags, ...call.given.tags } : undefined;
    const write = { ...call.options, description, tags, createOnly: true };
    return await this.inTurn([name], call, async () => {
      await this.#replacement.assertFree(name, call);
      const value = given ?? (await this.issue(call));
      await this.#pipeline.writeSecret(name, value, write).catch((error: unknown) => {
        throw isConflict(error) ? taken(name, call) : error;
      });
      return { storedName: name, value };
    });
  }

  /**
   * Resolves to a new key, as `create` makes it, and stores it nowhere: for a gateway that has to write something about a key
   * before the key works. Give it to `create` or `rotate` as the `value`; {@link isIssuable} knows it. The first call makes the
   * key that signs it.
   */
  async generate(
    options: Pick<WriteOptions, 'params' | 'signal' | 'timeoutMs'> = {},
  ): Promise<string> {
    this.#calls.permit('generate', ['writeSecret']);
    return await this.issue(this.#calls.permittedSigning('generate', options));
  }

  /**
   * Whether a candidate can be a key that the service made, without asking the store: a gateway refuses a flood of made-up keys
   * with it. `false` also for a key that was stored with a `value` of the caller's. Until the key that signs them has been read,
   * which begins with the first call, the form alone counts. A signing key that somebody replaced is known within a second of the
   * first question about a key that it signed.
   *
   * @param options `params` of the store that holds the keys
   */
  isIssuable(candidate: string, options: Pick<OperationOptions, 'params'> = {}): boolean {
    const call = this.#calls.permittedSigning('isIssuable', options);
    if (typeof candidate !== 'string' || !hasTaggedForm(candidate)) return false;
    const signingKeys = this.#signingKeys.loaded(call);
    if (signingKeys.some((signingKey) => hasValidTag(candidate, signingKey))) return true;
    this.#signingKeys.reload(call);
    return signingKeys.length === 0;
  }

  /**
   * Resolves to whether the candidate is the key, or one that it replaced and that still overlaps. Compares in constant time.
   * Where a cached key does not fit, the store is asked, once a second at most: another instance may have rotated it.
   */
  async verify(key: VirtualKey, candidate: string, options: VerifyOptions = {}): Promise<boolean> {
    const call = this.#calls.permitted('verify', key, options);
    if (typeof candidate !== 'string' || candidate === '') return false;
    const fits = await this.fits(call, candidate, agedOptions(call));
    if (fits !== false || !this.isRecheckDue(secretKey(call.secretName, call.options.params)))
      return fits ?? false;
    const recheck = this.fits(call, candidate, { ...call.options, maxAgeMs: 0 });
    return (await recheck.catch(() => false)) ?? false; // what is cached stands, within its bounds
  }

  /**
   * Resolves to the stored value of a key, or to `undefined` if there is none. Reads as {@link verify} does, and never from the
   * environment. Of a key that was rotated, it finds the new value alone. To check a candidate, use {@link verify}: it compares in
   * constant time.
   */
  async find(key: VirtualKey, options: VerifyOptions = {}): Promise<string | undefined> {
    const call = this.#calls.permitted('find', key, options);
    return (await this.#pipeline.readSecret(call.secretName, agedOptions(call)))?.value;
  }

  /**
   * Gives a key a new value, random unless one is given, and another alias if one is given; description and tags stay. Rejects
   * with `NOT_FOUND` if the key was never stored, and with `CONFLICT` if the new alias is taken; nothing is changed then. Rotations
   * of one key run one after the other; each succeeds, and the value of the last one holds.
   */
  async rotate(
    key: VirtualKey,
    next: { readonly alias?: string | null; readonly value?: string } = {},
    options: RotateVirtualKeyOptions = {},
  ): Promise<StoredVirtualKey> {
    const context = this.#calls.permit('rotate', ['writeSecret']);
    const { alias, value } = readArguments(next, ['alias', 'value'], context);
    return await this.replace('rotate', key, alias, options, (call) => {
      if (value === undefined) return () => this.issue(call);
      assertKey(value, call);
      return () => value;
    });
  }

  /**
   * Moves a key to another alias, with its value, description and tags; `null` takes its alias away. Fails as {@link rotate}
   * does.
   */
  async rename(
    key: VirtualKey,
    next: { readonly alias: string | null },
    options: WriteOptions = {},
  ): Promise<StoredVirtualKey> {
    const context = this.#calls.permit('rename', ['writeSecret']);
    const { alias } = readArguments(next, ['alias'], context);
    if (alias === undefined) throw noAlias(context);
    return await this.replace('rename', key, alias, options, () => (held) => held);
  }

  /**
   * Deletes keys; one that is missing is no failure. Resolves to what came of each, by id: `undefined`, or the error that kept
   * that one from being deleted.
   */
  async delete(
    keys: readonly VirtualKey[],
    options: DeleteOptions = {},
  ): Promise<ReadonlyMap<string, SecretManagerError | undefined>> {
    const context = this.#calls.permit('delete', ['deleteSecret']);
    const list = readList(keys);
    if (list === undefined) throw notAList(keys, context);
    const named = list.map((key) => ({ key, id: read(key, 'id') as string }));
    const outcomes = new Map<string, SecretManagerError | undefined>(
      named.map(({ id }) => [id, undefined]),
    );
    const pending = named.values();
    const deleteTheNext = async (): Promise<void> => {
      for (const { key, id } of pending) {
        const outcome = await this.deleteOne(key, options).catch(asOutcome);
        outcomes.set(id, outcomes.get(id) ?? outcome);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_DELETIONS }, deleteTheNext));
    return outcomes;
  }

  private async issue(call: VirtualKeyCall): Promise<string> {
    return makeTaggedKey(await this.#signingKeys.obtain(call));
  }

  private async deleteOne(key: VirtualKey, options: DeleteOptions): Promise<undefined> {
    const call = this.#calls.permitted('delete', key, options, ['deleteSecret']);
    const { recoveryWindowInDays } = call.given;
    const deletion = { ...call.options, recoveryWindowInDays };
    await this.inTurn([call.secretName], call, async () => {
      await this.#pipeline.deleteSecret(call.secretName, deletion);
      await this.deleteRecord(call).catch(() => undefined); // beside no key it makes nothing valid
    });
  }

  private async deleteRecord(call: VirtualKeyCall): Promise<void> {
    const record = this.recordOf(call);
    if ((await this.#pipeline.readSecret(record, call.options)) === undefined) return;
    await this.#pipeline.deleteSecret(record, { ...call.options, recoveryWindowInDays: 0 });
  }

  private async replace(
    operation: 'rotate' | 'rename',
    key: VirtualKey,
    alias: unknown,
    options: RotateVirtualKeyOptions,
    valueOf: (call: VirtualKeyCall) => Replacement['valueAfter'],
  ): Promise<StoredVirtualKey> {
    const call = this.#calls.permitted(operation, key, options, ['writeSecret']);
    const { secretName, given } = call;
    const own = readVirtualKey(key, call);
    const next = { id: own.id, alias: alias === undefined ? own.alias : alias };
    const name = this.#calls.nameOf(next as VirtualKey, call); // which finds it right
    if (name !== secretName) this.#assertSupported('deleteSecret', secretName);
    const { overlapMs = 0 } = given;
    const replacement = { name, valueAfter: valueOf(call), overlapMs, options: given };
    return await this.inTurn([secretName, name], call, async () => ({
      storedName: name,
      value: await this.#replacement.replace(call, replacement),
    }));
  }

  /** `undefined` if there is no such key. */
  private async fits(
    call: VirtualKeyCall,
    candidate: string,
    options: CallOptions,
  ): Promise<boolean | undefined> {
    const stored = await this.#pipeline.readSecret(call.secretName, options);
    if (stored === undefined) return undefined;
    const [digest, current] = [digestOf(candidate), digestOf(stored.value)];
    if (isSameDigest(digest, current)) return true;
    const record = await this.#pipeline.readSecret(this.recordOf(call), options);
    return isStillValid(record?.value, digest, current);
  }

  private isRecheckDue(key: string): boolean {
    const at = now();
    if (at < (this.#rechecked.get(key) ?? -Infinity) + RECHECK_INTERVAL_MS) return false;
    for (const [other, lastAt] of this.#rechecked) {
      if (at < lastAt + RECHECK_INTERVAL_MS) break; // they stand in the order of their times
      this.#rechecked.delete(other);
    }
    this.#rechecked.delete(key);
    this.#rechecked.set(key, at);
    return true;
  }

  private recordOf({ secretName }: VirtualKeyCall): string {
    return previousName(this.#options.settings.prefixForStoredVirtualKeys, secretName);
  }

  private inTurn<T>(
    names: readonly string[],
    call: VirtualKeyCall,
    task: () => Promise<T>,
  ): Promise<T> {
    const wait = (turn: Promise<unknown>): Promise<unknown> => waitFor(turn, call.options, call);
    return this.#locks.run([...new Set(names)], wait, task);
  }
}

announceCopy('VirtualKeysService', VirtualKeysService);

/** Returns the options of a read, with the ages that its caller accepts. */
function agedOptions({
  options,
  given: { maxAgeMs, staleIfErrorMs },
}: VirtualKeyCall): CallOptions {
  return { ...options, maxAgeMs, staleIfErrorMs };
}

function isConflict(error: unknown): boolean {
  return isSecretManagerError(error) && error.code === 'CONFLICT';
}

function notAList(keys: unknown, context: OperationContext): SecretManagerError {
  const message = `delete() takes a list of virtual keys, and not ${kindOf(keys)}.`;
  return new SecretManagerError('INVALID_ARGUMENT', message, context);
}

function noAlias(context: OperationContext): SecretManagerError {
  const message = 'rename() needs the alias that the key is to have: { alias }, or null for none.';
  return new SecretManagerError('INVALID_ARGUMENT', message, context);
}
