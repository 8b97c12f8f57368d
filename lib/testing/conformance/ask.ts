import { inspect } from 'node:util';
import { toReading } from '../../core/answers';
import type { OperationOptions, SecretReading } from '../../core/custom-secret-manager';
import { translateError } from '../../core/error-table';
import type { SecretManagerError } from '../../core/secret-manager.error';
import type { Subject } from './harness';

const LONGEST_WAIT_MS = 5_000;

/** What came of a call, as the library would see it: a failure is translated, an answer brought into its normal form. */
export type Outcome<T> =
  { readonly answer: T } | { readonly failure: SecretManagerError; readonly thrown: unknown };

export async function read(
  { manager }: Subject,
  name: string,
  options?: OperationOptions,
): Promise<SecretReading | undefined> {
  const context = { manager: manager.secretManagerName, operation: 'readSecret', secretName: name };
  return toReading(await withinReason(manager.readSecret(name, options)), context);
}

export async function valueOf(subject: Subject, name: string): Promise<string | undefined> {
  return (await read(subject, name))?.value;
}

export function readSync({ manager }: Subject, name: string): SecretReading | undefined {
  const context = {
    manager: manager.secretManagerName,
    operation: 'readSecretSync',
    secretName: name,
  };
  return toReading(manager.readSecretSync(name), context);
}

/** Resolves also if the call fails, or throws before it returns a promise. */
export async function outcomeOf<T>(
  { manager }: Subject,
  call: () => Promise<T> | T,
): Promise<Outcome<T>> {
  try {
    return { answer: await withinReason(Promise.resolve(call())) };
  } catch (thrown) {
    const context = { manager: manager.secretManagerName, operation: 'call' };
    return { failure: translateError(thrown, context), thrown };
  }
}

/** The code of the failure, or what was answered in its place. */
export function told(outcome: Outcome<unknown>): string {
  return 'failure' in outcome ? outcome.failure.code : `answered ${kind(outcome.answer)}`;
}

/** All that an error shows of itself, to whatever prints it. */
export function everythingOf(thrown: unknown): string {
  return inspect(thrown, { depth: 9, showHidden: true });
}

/** A case must fail where a manager hangs, and not hang with it. */
async function withinReason<T>(call: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`nothing came of the call within ${LONGEST_WAIT_MS} ms`)),
      LONGEST_WAIT_MS,
    );
  });
  try {
    return await Promise.race([call, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

function kind(answer: unknown): string {
  return answer === undefined || answer === null ? String(answer) : typeof answer;
}
