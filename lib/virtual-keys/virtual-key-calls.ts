import { closed, type CallOptions } from '../core/calls/cancellation';
import type { OptionalOperation } from '../core/contract/custom-secret-manager';
import { SecretManagerError, type OperationContext } from '../core/errors/secret-manager.error';
import { countingDown } from '../core/time/clock';
import {
  assertSecretValue,
  invalidArgument,
  readCallOptions,
  type GivenOptions,
} from '../core/validation/call-arguments';
import type { SecretPipeline } from '../policies/compose';
import type { ResolvedOptions } from '../secret-manager.options';
import { signingKeyName, storedName, type VirtualKey } from './virtual-key-names';

/** A permitted call with valid arguments. */
export interface VirtualKeyCall extends OperationContext {
  /** The name under which the key is stored. */
  readonly secretName: string;
  readonly options: CallOptions & { readonly timeoutMs: number };
  /** The options of the caller, each read once. */
  readonly given: GivenOptions;
}

/** Checks calls about virtual keys before the manager is called. */
export class VirtualKeyCalls {
  readonly #pipeline: SecretPipeline;
  readonly #options: ResolvedOptions;

  constructor(pipeline: SecretPipeline, options: ResolvedOptions) {
    this.#pipeline = pipeline;
    this.#options = options;
  }

  /** Throws `NOT_PERMITTED`, or `UNSUPPORTED` if the manager lacks a needed operation. */
  assertPermitted(operation: string, needed: readonly OptionalOperation[]): OperationContext {
    const { storeVirtualKeys, prefixForStoredVirtualKeys: prefix } = this.#options.settings;
    const context = { manager: this.#pipeline.virtualKeys.secretManagerName, operation };
    if (!storeVirtualKeys) throw notPermitted(context);
    if (this.#pipeline.isClosed()) throw closed(context);
    for (const each of needed) this.#pipeline.assertSupported(each, prefix);
    return context;
  }

  prepare(
    operation: string,
    key: VirtualKey,
    options: GivenOptions,
    needed: readonly OptionalOperation[] = [],
  ): VirtualKeyCall {
    const context = this.assertPermitted(operation, needed);
    return this.callOf(this.nameOf(key, context), options, context);
  }

  /** Prepares a call about the key that signs the others. */
  prepareSigning(operation: string, options: GivenOptions): VirtualKeyCall {
    const { prefixForStoredVirtualKeys: prefix } = this.#options.settings;
    return this.callOf(signingKeyName(prefix), options, this.assertPermitted(operation, []));
  }

  nameOf(key: VirtualKey, context: OperationContext): string {
    return storedName(this.#options.settings.prefixForStoredVirtualKeys, key, context);
  }

  private callOf(
    secretName: string,
    options: GivenOptions,
    context: OperationContext,
  ): VirtualKeyCall {
    const given = readCallOptions(options, context);
    const { params, signal, timeoutMs = this.#options.timeoutMs } = given;
    return { ...context, given, secretName, options: countingDown({ params, signal }, timeoutMs) };
  }
}

export function assertKey(value: unknown, context: OperationContext): asserts value is string {
  assertSecretValue(value, context);
  if (value !== '') return;
  throw invalidArgument('A virtual key must not be empty.', context);
}

function notPermitted(context: OperationContext): SecretManagerError {
  return new SecretManagerError(
    'NOT_PERMITTED',
    `${context.operation}() of a virtual key is not permitted: storeVirtualKeys is false. Set it to true.`,
    context,
  );
}
