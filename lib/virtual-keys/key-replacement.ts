import type { SecretReading, WriteOptions } from '../core/contract/custom-secret-manager';
import {
  SecretManagerError,
  isSecretManagerError,
  type OperationContext,
} from '../core/errors/secret-manager.error';
import { quoteName } from '../core/errors/wording';
import type { SecretPipeline } from '../policies/compose';
import type { ResolvedOptions } from '../secret-manager.options';
import { rotateSecret } from '../service/writing/secret-rotation';
import { recordOf } from './overlap-record';
import type { VirtualKeyCall } from './virtual-key-calls';
import { previousName } from './virtual-key-names';

/** The new state of a key. */
export interface Replacement {
  readonly name: string;
  /** Returns the new value, given the current one. */
  readonly valueAfter: (current: string) => string | Promise<string>;
  readonly overlapMs: number;
  readonly options: WriteOptions;
}

/** Gives a key another value, another name, or both. The old value may stay valid for an overlap. */
export class KeyReplacement {
  readonly #pipeline: SecretPipeline;
  readonly #settings: ResolvedOptions['settings'];

  constructor(pipeline: SecretPipeline, { settings }: ResolvedOptions) {
    this.#pipeline = pipeline;
    this.#settings = settings;
  }

  /** Resolves to the new value. Continues a replacement that failed half-way. */
  async replace(call: VirtualKeyCall, replacement: Replacement): Promise<string> {
    const { name, valueAfter, overlapMs } = replacement;
    const current = await this.read(call.secretName, call);
    if (current === undefined) throw missing(call.secretName, call);
    const value = await valueAfter(current.value);
    const isRenamed = name !== call.secretName;
    if (!isRenamed && value === current.value) return value;
    const existing = isRenamed ? await this.read(name, call) : undefined;
    if (existing !== undefined && existing.value !== value) throw taken(name, call);
    await this.carryOverlaps({ from: current.value, to: value, overlapMs }, name, call);
    if (existing === undefined) await this.rotate(call, replacement, value);
    else await this.deleteOld(call);
    return value;
  }

  /**
   * Rejects with `CONFLICT` if there is such a key. The store is asked, because a manager may not support
   * `createOnly`.
   */
  async assertFree(name: string, call: VirtualKeyCall): Promise<void> {
    if ((await this.read(name, call)) !== undefined) throw taken(name, call);
  }

  private async rotate(
    call: VirtualKeyCall,
    { name, options, overlapMs }: Replacement,
    value: string,
  ): Promise<void> {
    const { virtualKeys: outermost, assertSupported } = this.#pipeline;
    const { params, signal, timeoutMs } = call.options;
    const { description, tags } = options;
    try {
      await rotateSecret(
        { outermost, assertSupported },
        {
          current: call.secretName,
          next: name,
          value,
          options: { params, signal, description, tags, createOnly: true },
          defaults: this.#settings,
          timeoutMs,
          revokes: overlapMs === 0 && name === call.secretName,
          context: call,
        },
      );
    } catch (error) {
      throw isAliasLost(error) ? taken(name, call) : error;
    }
  }

  /** Writes the overlaps before the key is replaced. The current ones stay valid, because the rotation may fail. */
  private async carryOverlaps(
    rotation: { readonly from: string; readonly to: string; readonly overlapMs: number },
    name: string,
    call: VirtualKeyCall,
  ): Promise<void> {
    const { prefixForStoredVirtualKeys: prefix } = this.#settings;
    const before = await this.read(previousName(prefix, call.secretName), call);
    const record = recordOf(rotation, before?.value);
    if (record === undefined) return;
    await this.#pipeline.virtualKeys.writeSecret(previousName(prefix, name), record, call.options);
  }

  private async deleteOld({ secretName, options }: VirtualKeyCall): Promise<void> {
    await this.#pipeline.virtualKeys.deleteSecret(secretName, options);
  }

  private read(name: string, { options }: VirtualKeyCall): Promise<SecretReading | undefined> {
    return this.#pipeline.virtualKeys.readSecret(name, { ...options, maxAgeMs: 0 });
  }
}

export function taken(name: string, context: OperationContext): SecretManagerError {
  return new SecretManagerError(
    'CONFLICT',
    `There is a virtual key ${quoteName(name)} already. Nothing was changed.`,
    { ...context, secretName: name },
  );
}

/** Tells whether another instance took the alias after it was found free, and before anything was written. */
function isAliasLost(error: unknown): boolean {
  return isSecretManagerError(error) && error.causeCode === 'CONFLICT' && error.done?.length === 0;
}

function missing(name: string, context: OperationContext): SecretManagerError {
  return new SecretManagerError(
    'NOT_FOUND',
    `There is no virtual key ${quoteName(name)}. Nothing was written.`,
    { ...context, secretName: name },
  );
}
