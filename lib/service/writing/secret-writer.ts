import { closed } from '../../core/calls/cancellation';
import { waitFor } from '../../core/calls/waiting';
import type {
  DeleteOptions,
  OperationOptions,
  SecretMetadata,
  WriteOptions,
} from '../../core/contract/custom-secret-manager';
import { SecretManagerError, type OperationContext } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import { countingDown } from '../../core/time/clock';
import { NamedLock } from '../../core/time/named-lock';
import {
  assertSecretValue,
  readArguments,
  readCallOptions,
} from '../../core/validation/call-arguments';
import { parseSecretName } from '../../core/validation/secret-name';
import type { SecretPipeline } from '../../policies/compose';
import type { Pipeline } from '../../policies/policy';
import type { ResolvedOptions } from '../../secret-manager.options';
import { mergeDescriptions, rotateSecret } from './secret-rotation';
import type { SecretLookup } from '../reading/secret-lookup';

/** The secret after a rotation. Without a name it keeps its own. */
export interface NextSecret {
  readonly name?: string;
  readonly value: string;
}

/** A permitted write with valid arguments. */
interface PermittedWrite extends OperationContext {
  readonly secretName: string;
  readonly options: WriteOptions & DeleteOptions;
}

/** Decides whether a secret may be written, and which description and tags are stored. */
export class SecretWriter {
  readonly #pipeline: SecretPipeline;
  readonly #options: ResolvedOptions;
  readonly #lookup: SecretLookup;
  readonly #rotations = new NamedLock();

  constructor(pipeline: SecretPipeline, options: ResolvedOptions, lookup: SecretLookup) {
    this.#pipeline = pipeline;
    this.#options = options;
    this.#lookup = lookup;
  }

  async set(name: string, value: string, given: WriteOptions): Promise<SecretMetadata> {
    const { options, ...context } = this.authorize('set', name, given);
    const { secretName } = context;
    assertSecretValue(value, context);
    const described = mergeDescriptions(this.#options.settings, options);
    const write = { ...this.call(options), ...described, createOnly: options.createOnly };
    return await this.pipelineOf(secretName).writeSecret(secretName, value, write);
  }

  async delete(name: string, given: DeleteOptions): Promise<SecretMetadata> {
    const { secretName, options } = this.authorize('delete', name, given);
    const { recoveryWindowInDays } = options;
    const deletion = { ...this.call(options), recoveryWindowInDays };
    return await this.pipelineOf(secretName).deleteSecret(secretName, deletion);
  }

  async rotate(
    current: string,
    next: Partial<NextSecret>,
    given: WriteOptions,
  ): Promise<SecretMetadata> {
    const { options, ...context } = this.authorize('rotate', current, given);
    const { secretName } = context;
    const { name = secretName, value } = readArguments(next, ['name', 'value'], context);
    const nextName = parseSecretName(name, context);
    assertSecretValue(value, { ...context, secretName: nextName });
    const names = [...new Set([secretName, nextName])];
    for (const name of names) this.assertReadable(name, context);
    const call = countingDown(this.call(options), options.timeoutMs ?? this.#options.timeoutMs);
    const wait = (earlier: Promise<unknown>): Promise<unknown> => waitFor(earlier, call, context);
    return await this.#rotations.run(names, wait, () =>
      rotateSecret(this.#pipeline, {
        current: secretName,
        next: nextName,
        value,
        options,
        defaults: this.#options.settings,
        timeoutMs: call.timeoutMs,
        context,
      }),
    );
  }

  /**
   * Returns the context and the options of a permitted write. Throws before the manager is asked if an argument
   * is wrong or the write is not permitted.
   */
  private authorize(
    operation: 'set' | 'delete' | 'rotate',
    name: string,
    given: WriteOptions & DeleteOptions,
  ): PermittedWrite {
    const manager = this.#pipeline.outermost.secretManagerName;
    const secretName = parseSecretName(name, { manager, operation });
    const context = { manager, operation, secretName };
    const options = readCallOptions(given, context);
    if (this.#pipeline.isClosed()) throw closed(context);
    const { accessMode, primarySecretName } = this.#options.settings;
    if (accessMode === 'read_only') {
      throw notPermitted(
        'accessMode is "read_only". Set it to "write_only" or "read_and_write"',
        context,
      );
    }
    if (primarySecretName !== undefined) {
      throw new SecretManagerError(
        'UNSUPPORTED',
        `${quoteName(secretName)} is a part of the primary secret ${quoteName(primarySecretName)}, and parts are not ` +
          'written. Change the primary secret where it is kept.',
        context,
      );
    }
    return { ...context, options };
  }

  /**
   * Throws `NOT_PERMITTED` if the settings forbid reading the name. A rotation reads the secret that it has
   * written.
   */
  private assertReadable(name: string, context: OperationContext): void {
    const why = this.#lookup.whyNotHosted(name);
    if (why !== undefined) {
      throw notPermitted(`${why}, so that the new value could not be verified`, context);
    }
  }

  /** Returns the pipeline for a name. A name that is not hosted must not be cached. */
  private pipelineOf(name: string): Pipeline {
    const { outermost, uncached } = this.#pipeline;
    return this.#lookup.whyNotHosted(name) === undefined ? outermost : uncached;
  }

  private call({ params, signal, timeoutMs }: OperationOptions): OperationOptions {
    return { params, signal, timeoutMs: timeoutMs ?? this.#options.timeoutMs };
  }
}

function notPermitted(why: string, context: OperationContext): SecretManagerError {
  const { operation, secretName } = context;
  return new SecretManagerError(
    'NOT_PERMITTED',
    `${operation}(${quoteName(secretName)}) is not permitted: ${why}.`,
    context,
  );
}
