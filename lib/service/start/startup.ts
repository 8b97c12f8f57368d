import { ATTEMPTS } from '../../core/calls/cancellation';
import { pause } from '../../core/calls/waiting';
import {
  SecretManagerError,
  hasCode,
  isSecretManagerError,
  isTransient,
  type OperationContext,
} from '../../core/errors/secret-manager.error';
import { backoffMs, jittered } from '../../core/time/backoff';
import { now } from '../../core/time/clock';
import { listed } from '../../core/validation/option-rules';
import { outcomeOf } from '../../policies/policy';
import type { RequiredSecret } from '../../secret-manager.options';
import type { Lookup, SecretLookup } from '../reading/secret-lookup';

const PAUSES = { firstMs: 200, longestMs: 5_000 };

type Outcome = string | SecretManagerError | undefined;

/**
 * Reads the required secrets before the application starts. Transient failures are retried as one unit, with
 * backoff, until the deadline. A short outage of the store does not keep an application from starting.
 *
 * Throws one error that names every required secret that is missing, empty or failed.
 */
export async function readAtStart(
  lookup: SecretLookup,
  required: readonly RequiredSecret[],
  timeoutMs: number,
  context: OperationContext,
  warn: (message: string) => void,
): Promise<void> {
  const endsAt = now() + timeoutMs;
  const outcomes = new Map<string, Outcome>();
  const wanted = required.map((secret) => ({
    ...secret,
    parsed: lookup.parse(context.operation, secret.name, { allowEmpty: secret.allowEmpty }),
  }));
  let pending = wanted.map(({ parsed }) => parsed);
  for (let attempt = 1; pending.length > 0; attempt++) {
    const call = { timeoutMs: Math.max(1, endsAt - now()), [ATTEMPTS]: 'unguarded' } as const;
    for (const [name, outcome] of await lookup.readMany(pending, call)) outcomes.set(name, outcome);
    pending = pending.filter(({ name }) => isTransient(outcomes.get(name)));
    const delayMs = pauseAfter(
      attempt,
      pending.map(({ name }) => outcomes.get(name)),
    );
    if (pending.length === 0 || now() + delayMs >= endsAt) break;
    if (attempt === 1)
      warn(
        `${context.manager} could not be asked at start; it is asked again for up to ${timeoutMs} ms.`,
      );
    await pause(delayMs, {}, context);
  }
  const [first, ...others] = wanted.flatMap(
    (secret) => problemOf(secret, outcomes.get(secret.parsed.name), lookup) ?? [],
  );
  if (first !== undefined) throw combine([first, ...others], context);
}

function problemOf(
  { optional, owner, refusalOf, parsed }: RequiredSecret & { readonly parsed: Lookup },
  outcome: Outcome,
  lookup: SecretLookup,
): SecretManagerError | undefined {
  const isAbsent = outcome === undefined || hasCode(outcome, 'NOT_FOUND'); // a disabled version is thrown
  if (isAbsent && optional) return undefined; // `optional` forgives no empty value
  const { context } = parsed;
  const refusal = typeof outcome === 'string' ? refusalOf?.(outcome) : undefined;
  if (refusal !== undefined) return misconfigured(refusal, context);
  const problem = isSecretManagerError(outcome)
    ? outcome
    : outcomeOf(() => lookup.required(outcome, parsed));
  if (!isSecretManagerError(problem)) return undefined;
  if (owner === undefined) return problem;
  const message = `${owner}: ${problem.message}`;
  if (problem.code === 'NOT_FOUND') return misconfigured(message, context);
  return new SecretManagerError(problem.code, message, problem);
}

/** A field of a class that cannot be filled is an error of the configuration. */
function misconfigured(message: string, context: OperationContext): SecretManagerError {
  return new SecretManagerError('MISCONFIGURED', message, context);
}

function pauseAfter(attempt: number, failures: readonly unknown[]): number {
  const asked = failures.map((error) =>
    isSecretManagerError(error) ? (error.retryAfterMs ?? 0) : 0,
  );
  return Math.max(jittered(backoffMs(attempt, PAUSES)), ...asked);
}

/**
 * Combines several problems in one error. The code of a failure takes precedence over that of an absence, and
 * `MISCONFIGURED` over both.
 */
function combine(
  problems: readonly [SecretManagerError, ...SecretManagerError[]],
  context: OperationContext,
): SecretManagerError {
  const decisive =
    problems.find(({ code }) => code === 'MISCONFIGURED') ??
    problems.find(({ code }) => code !== 'NOT_FOUND') ??
    problems[0];
  return new SecretManagerError(
    decisive.code,
    `The application cannot start without its secrets:\n${listed(problems.map(({ message }) => message))}`,
    { ...context, secretName: problems.length === 1 ? decisive.secretName : undefined },
  );
}
