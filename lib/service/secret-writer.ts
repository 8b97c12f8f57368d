import { closed } from '../core/calls/cancellation';
import { waitFor } from '../core/calls/waiting';
import type {
  DeleteOptions,
  OperationOptions,
  SecretMetadata,
  WriteOptions,
} from '../core/contract/custom-secret-manager';
import { SecretManagerError, type OperationContext } from '../core/errors/secret-manager.error';
import { quoteName } from '../core/errors/wording';
import { countingDown } from '../core/time/clock';
import { NamedLock } from '../core/time/named-lock';
import {
  assertSecretValue,
  readArguments,
  readCallOptions,
} from '../core/validation/call-arguments';
import { parseSecretName } from '../core/validation/secret-name';
import type { SecretPipeline } from '../policies/compose';
import type { Pipeline } from '../policies/policy';
import type { ResolvedOptions } from '../secret-manager.options';
import { rotateSecret } from './rotation';
import type { SecretLookup } from './secret-lookup';

/** What a secret is to be after a rotation; without a name it keeps its own. */
export interface NextSecret {
  readonly name?: string;
  readonly value: string;
}

/** A write that is permitted, with its arguments found right. */
interface PermittedWrite extends OperationContext {
  readonly secretName: string;
  readonly options: WriteOptions & DeleteOptions;
}

/** Decides whether a secret may be written, and what is stored with it. */
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
    const { options, ...context } = this.permitted('set', name, given);
    const { secretName } = context;
    assertSecretValue(value, context);
    const { settings } = this.#options;
    const { description = settings.description, createOnly } = options;
    const tags = settings.tags || options.tags ? { ...settings.tags, ...options.tags } : undefined;
    const write = { ...this.call(options), description, tags, createOnly };
    return await this.pipelineOf(secretName).writeSecret(secretName, value, write);
  }

  async delete(name: string, given: DeleteOptions): Promise<SecretMetadata> {
    const { secretName, options } = this.permitted('delete', name, given);
    const { recoveryWindowInDays } = options;
    const deletion = { ...this.call(options), recoveryWindowInDays };
    return await this.pipelineOf(secretName).deleteSecret(secretName, deletion);
  }

  async rotate(
    current: string,
    next: Partial<NextSecret>,
    given: WriteOptions,
  ): Promise<SecretMetadata> {
    const { options, ...context } = this.permitted('rotate', current, given);
    const { secretName } = context;
    const { name = secretName, value } = readArguments(next, ['name', 'value'], context);
    const nextName = parseSecretName(name, context);
    assertSecretValue(value, { ...context, secretName: nextName });
    const names = [...new Set([secretName, nextName])];
    for (const name of names) this.assertReadable(name, context);
    const call = countingDown(this.call(options), options.timeoutMs ?? this.#options.timeoutMs);
    const wait = (turn: Promise<unknown>): Promise<unknown> => waitFor(turn, call, context);
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

  /** Finds the arguments right, and the write permitted, before the manager is asked. */
  private permitted(
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

  /** A rotation reads what it has written. */
  private assertReadable(name: string, context: OperationContext): void {
    const why = this.#lookup.whyNotHosted(name);
    if (why !== undefined) {
      throw notPermitted(`${why}, so that the new value could not be verified`, context);
    }
  }

  /** What the cache may not answer for must not get into it. */
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
