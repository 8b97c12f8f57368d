import type { CallOptions } from '../core/calls/cancellation';
import { waitFor } from '../core/calls/waiting';
import { announceCopy } from '../core/contract/package-copies';
import type {
  DeleteOptions,
  OperationOptions,
  WriteOptions,
} from '../core/contract/custom-secret-manager';
import {
  isSecretManagerError,
  type OperationContext,
  type SecretManagerError,
} from '../core/errors/secret-manager.error';
import { NamedLock } from '../core/time/named-lock';
import { invalidArgument, readArguments, readList } from '../core/validation/call-arguments';
import type { SecretPipeline } from '../policies/compose';
import type { Pipeline } from '../policies/policy';
import type { ResolvedOptions } from '../secret-manager.options';
import { mergeDescriptions } from '../service/writing/secret-rotation';
import { assertMadeByModule } from '../service/made-by-module';
import { deleteAll, deleteKey } from './key-deletion';
import { KeyReplacement, taken, type Replacement } from './key-replacement';
import { hasTaggedForm, hasValidTag, makeTaggedKey } from './key-tag';
import { KeyVerification } from './key-verification';
import { SigningKeys } from './signing-keys';
import { VirtualKeyCalls, assertKey, type VirtualKeyCall } from './virtual-key-calls';
import { previousName, readVirtualKey, type VirtualKey } from './virtual-key-names';
import type {
  RotateVirtualKeyOptions,
  StoredVirtualKey,
  VerifyOptions,
} from './virtual-key-options';

/**
 * The keys that a gateway issues, stored below `prefixForStoredVirtualKeys`. `storeVirtualKeys` permits the calls;
 * without it they fail with `NOT_PERMITTED`. `accessMode` and `hostedKeys` concern only the application's own
 * secrets. `params` reach every call.
 *
 * Every failure is thrown, never only logged. A rotation or renaming that failed half-way can be retried with the
 * same `value`. The retry continues where the failure occurred.
 */
export class VirtualKeysService {
  readonly #pipeline: Pipeline;
  readonly #assertSupported: SecretPipeline['assertSupported'];
  readonly #options: ResolvedOptions;
  readonly #calls: VirtualKeyCalls;
  readonly #replacement: KeyReplacement;
  readonly #signingKeys: SigningKeys;
  readonly #verification: KeyVerification;
  readonly #locks = new NamedLock();

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
    this.#verification = new KeyVerification(pipeline.virtualKeys, prefixForStoredVirtualKeys);
  }

  /**
   * Stores a key. Without a `value` the key is `sk-…`: 256 random bits, and a tag by which {@link isIssuable}
   * recognizes it. Rejects with `CONFLICT` if the alias is taken, even by another instance at the same moment.
   */
  async create(
    key: VirtualKey & { readonly value?: string },
    options: WriteOptions = {},
  ): Promise<StoredVirtualKey> {
    const call = this.#calls.prepare('create', key, options, ['writeSecret']);
    const name = call.secretName;
    const { value: given } = readVirtualKey(key, call);
    if (given !== undefined) assertKey(given, call);
    const described = mergeDescriptions(this.#options.settings, call.given);
    const write = { ...call.options, ...described, createOnly: true };
    return await this.withLock([name], call, async () => {
      await this.#replacement.assertFree(name, call);
      const value = given ?? (await this.issue(call));
      await this.#pipeline.writeSecret(name, value, write).catch((error: unknown) => {
        throw isConflict(error) ? taken(name, call) : error;
      });
      return { storedName: name, value };
    });
  }

  /**
   * Resolves to a new key as `create` makes it, and does not store it. A gateway may have to write something about a
   * key before the key works. Pass the key to `create` or `rotate` as the `value`; {@link isIssuable} recognizes it.
   * The first call creates the signing key.
   */
  async generate(
    options: Pick<WriteOptions, 'params' | 'signal' | 'timeoutMs'> = {},
  ): Promise<string> {
    this.#calls.assertPermitted('generate', ['writeSecret']);
    return await this.issue(this.#calls.prepareSigning('generate', options));
  }

  /**
   * Tells whether the service can have made a candidate, without asking the store. A gateway uses it to refuse a
   * flood of made-up keys. Returns `false` also for a key that was stored with the caller's own `value`.
   *
   * Only the form counts until the signing key has been read, which begins with the first call. A replaced signing
   * key is known within a second of the first question about a key that it signed.
   *
   * @param options `params` of the store that holds the keys
   */
  isIssuable(candidate: string, options: Pick<OperationOptions, 'params'> = {}): boolean {
    const call = this.#calls.prepareSigning('isIssuable', options);
    if (typeof candidate !== 'string' || !hasTaggedForm(candidate)) return false;
    const signingKeys = this.#signingKeys.loaded(call);
    if (signingKeys.some((signingKey) => hasValidTag(candidate, signingKey))) return true;
    this.#signingKeys.reload(call);
    return signingKeys.length === 0;
  }

  /**
   * Resolves to whether the candidate is the key, or a replaced key that still overlaps. Compares in constant time.
   * If a cached key does not match, the store is asked, at most once a second: another instance may have rotated the
   * key.
   */
  async verify(key: VirtualKey, candidate: string, options: VerifyOptions = {}): Promise<boolean> {
    const call = this.#calls.prepare('verify', key, options);
    if (typeof candidate !== 'string' || candidate === '') return false;
    return await this.#verification.verify(call, candidate, agedOptions(call));
  }

  /**
   * Resolves to the stored value of a key, or to `undefined` if there is none. Reads as {@link verify} does, and never from the
   * environment. Of a key that was rotated, it finds the new value alone. To check a candidate, use {@link verify}: it compares in
   * constant time.
   */
  async find(key: VirtualKey, options: VerifyOptions = {}): Promise<string | undefined> {
    const call = this.#calls.prepare('find', key, options);
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
    const context = this.#calls.assertPermitted('rotate', ['writeSecret']);
    const { alias, value } = readArguments(next, ['alias', 'value'], context);
    return await this.replace('rotate', key, alias, options, (call) => {
      if (value === undefined) return () => this.issue(call);
      assertKey(value, call);
      return () => value;
    });
  }

  /**
   * Moves a key to another alias, with its value, description and tags. `null` removes its alias. Fails like {@link
   * rotate}.
   */
  async rename(
    key: VirtualKey,
    next: { readonly alias: string | null },
    options: WriteOptions = {},
  ): Promise<StoredVirtualKey> {
    const context = this.#calls.assertPermitted('rename', ['writeSecret']);
    const { alias } = readArguments(next, ['alias'], context);
    if (alias === undefined) throw noAlias(context);
    return await this.replace('rename', key, alias, options, () => (current) => current);
  }

  /**
   * Deletes keys. A missing key is no failure. Resolves to the outcome of each key, by id: `undefined`, or the error
   * that prevented the deletion.
   */
  async delete(
    keys: readonly VirtualKey[],
    options: DeleteOptions = {},
  ): Promise<ReadonlyMap<string, SecretManagerError | undefined>> {
    const context = this.#calls.assertPermitted('delete', ['deleteSecret']);
    const list = readList(keys, 'delete() takes a list of virtual keys, and not', context);
    return await deleteAll(list, async (key) => {
      const call = this.#calls.prepare('delete', key, options, ['deleteSecret']);
      const task = (): Promise<void> => deleteKey(this.#pipeline, call, this.recordOf(call));
      await this.withLock([call.secretName], call, task);
    });
  }

  private async issue(call: VirtualKeyCall): Promise<string> {
    return makeTaggedKey(await this.#signingKeys.obtain(call));
  }

  private async replace(
    operation: 'rotate' | 'rename',
    key: VirtualKey,
    alias: unknown,
    options: RotateVirtualKeyOptions,
    valueOf: (call: VirtualKeyCall) => Replacement['valueAfter'],
  ): Promise<StoredVirtualKey> {
    const call = this.#calls.prepare(operation, key, options, ['writeSecret']);
    const { secretName, given } = call;
    const own = readVirtualKey(key, call);
    const next = { id: own.id, alias: alias === undefined ? own.alias : alias };
    const name = this.#calls.nameOf(next as VirtualKey, call); // validates the name
    if (name !== secretName) this.#assertSupported('deleteSecret', secretName);
    const { overlapMs = 0 } = given;
    const replacement = { name, valueAfter: valueOf(call), overlapMs, options: given };
    return await this.withLock([secretName, name], call, async () => ({
      storedName: name,
      value: await this.#replacement.replace(call, replacement),
    }));
  }

  private recordOf({ secretName }: VirtualKeyCall): string {
    return previousName(this.#options.settings.prefixForStoredVirtualKeys, secretName);
  }

  private withLock<T>(
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

function noAlias(context: OperationContext): SecretManagerError {
  const message = 'rename() needs the alias that the key is to have: { alias }, or null for none.';
  return invalidArgument(message, context);
}
