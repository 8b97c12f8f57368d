import { REVOKES, type CallOptions } from '../../core/calls/cancellation';
import { pause } from '../../core/calls/waiting';
import type {
  SecretDescription,
  SecretMetadata,
  WriteOptions,
} from '../../core/contract/custom-secret-manager';
import {
  SecretManagerError,
  isSecretManagerError,
  isTransient,
  type OperationContext,
  type RotationStep,
} from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import { backoffMs } from '../../core/time/backoff';
import { countingDown } from '../../core/time/clock';
import type { SecretPipeline } from '../../policies/compose';

const PAUSES = { firstMs: 200, longestMs: 2_000 };

/** A permitted rotation with valid arguments. */
export interface Rotation {
  readonly current: string;
  readonly next: string;
  readonly value: string;
  readonly options: WriteOptions;
  /** The description and tags of a secret that has none of its own. */
  readonly defaults: SecretDescription;
  readonly timeoutMs: number;
  /** `true` if no instance may accept the old value any more. */
  readonly revokes?: boolean;
  readonly context: OperationContext;
}

/**
 * Gives a secret a new value, in place or under another name. The old secret is deleted only after the new
 * value has been read back. The error of a failed step lists the completed steps.
 */
export async function rotateSecret(
  { outermost: pipeline, assertSupported }: Pick<SecretPipeline, 'outermost' | 'assertSupported'>,
  rotation: Rotation,
): Promise<SecretMetadata> {
  const { current, next, value, options, context } = rotation;
  const isRenamed = next !== current;
  assertSupported('writeSecret', next);
  if (isRenamed) assertSupported('deleteSecret', current);

  const { params, signal } = options;
  const call = countingDown<CallOptions>({ params, signal, maxAgeMs: 0 }, rotation.timeoutMs);
  if ((await pipeline.readSecret(current, call)) === undefined) throw missing(rotation);
  const inherited = isRenamed
    ? mergeDescriptions(rotation.defaults, await pipeline.describeSecret(current, call), options)
    : options;
  const { description, tags } = inherited;

  const done: RotationStep[] = [];
  try {
    const createOnly = isRenamed ? options.createOnly : undefined;
    const write = { ...call, description, tags, createOnly, [REVOKES]: rotation.revokes };
    const written = await pipeline.writeSecret(next, value, write);
    done.push('written');
    await verify(pipeline, rotation, call);
    done.push('verified');
    if (isRenamed) await pipeline.deleteSecret(current, call);
    return written;
  } catch (error) {
    throw incomplete(error, done, context, next);
  }
}

/**
 * Reads until the store returns the new value, because a replica may lag. Rejects with `CONFLICT` at the
 * deadline.
 */
async function verify(
  pipeline: SecretPipeline['outermost'],
  rotation: Rotation,
  call: CallOptions & { readonly timeoutMs: number },
): Promise<void> {
  const { next, value, context } = rotation;
  for (let attempt = 1; ; attempt++) {
    const outcome = await pipeline.readSecret(next, call).catch(throwUnlessTransient);
    if (!isSecretManagerError(outcome) && outcome?.value === value) return;
    const pauseMs = backoffMs(attempt, PAUSES);
    if (pauseMs >= call.timeoutMs) throw outcome instanceof Error ? outcome : notVerified(rotation);
    await pause(pauseMs, call, context);
  }
}

/** Returns a transient failure, after which the store may recover. Throws any other. */
function throwUnlessTransient(error: unknown): SecretManagerError {
  if (isTransient(error)) return error as SecretManagerError;
  throw error;
}

/** Returns the description and the tags of several sources. A later source overrides the ones before. */
export function mergeDescriptions(...sources: readonly SecretDescription[]): SecretDescription {
  return sources.reduce<SecretDescription>(
    (merged, { description = merged.description, tags }) => ({
      description,
      tags: tags ? { ...merged.tags, ...tags } : merged.tags,
    }),
    {},
  );
}

function missing({ current, context }: Rotation): SecretManagerError {
  return new SecretManagerError(
    'NOT_FOUND',
    `There is no ${quoteName(current)} in ${context.manager} to rotate. Nothing was written.`,
    context,
  );
}

function notVerified({ next, context }: Rotation): SecretManagerError {
  return new SecretManagerError(
    'CONFLICT',
    `${context.manager} does not answer the new value of ${quoteName(next)}.`,
    context,
  );
}

function incomplete(
  error: unknown,
  done: readonly RotationStep[],
  context: OperationContext,
  next: string,
): SecretManagerError {
  const causeCode = isSecretManagerError(error) ? error.code : 'UNKNOWN';
  const soFar = done.length === 0 ? 'Nothing is known to be done' : `Done: ${done.join(', ')}`;
  return new SecretManagerError(
    'ROTATION_INCOMPLETE',
    `The rotation of ${quoteName(context.secretName)} to ${quoteName(next)} ended with ${causeCode}. ${soFar}; ` +
      'the old secret was not deleted. It is safe to repeat the rotation.',
    { ...context, done, causeCode },
  );
}
