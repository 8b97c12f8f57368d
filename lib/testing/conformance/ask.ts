import type { OperationOptions, SecretReading } from '../../core/contract/custom-secret-manager';
import { translateError } from '../../core/errors/error-table';
import { isErrorLike } from '../../core/errors/safe-access';
import type { SecretManagerError } from '../../core/errors/secret-manager.error';
import { toReading } from '../../core/validation/answers';
import type { Subject } from './harness';

/** What came of a call, as the library would see it: a failure is translated, an answer brought into its normal form. */
export type Outcome<T> =
  { readonly answer: T } | { readonly failure: SecretManagerError; readonly thrown: unknown };

export async function read(
  { manager }: Subject,
  name: string,
  options?: OperationOptions,
): Promise<SecretReading | undefined> {
  const context = { manager: manager.secretManagerName, operation: 'readSecret', secretName: name };
  return toReading(await manager.readSecret(name, options), context);
}

export async function valueOf(subject: Subject, name: string): Promise<string | undefined> {
  return (await read(subject, name))?.value;
}

/** The values of several secrets, by name; `'an error'` in the place of one that failed. */
export async function valuesOf(
  { manager }: Subject,
  names: readonly string[],
  options?: OperationOptions,
): Promise<Record<string, string | undefined>> {
  const answers = await manager.readSecrets(names, options);
  const context = { manager: manager.secretManagerName, operation: 'readSecrets' };
  return Object.fromEntries(
    names.map((name) => {
      const answer = answers.get(name);
      return [name, isErrorLike(answer) ? 'an error' : toReading(answer, context)?.value];
    }),
  );
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
    return { answer: await call() };
  } catch (thrown) {
    const context = { manager: manager.secretManagerName, operation: 'call' };
    return { failure: translateError(thrown, context), thrown };
  }
}

/** Whether the store could have the secret; one that cannot have the name, or the value, has thrown. */
export function isSeeded(subject: Subject, name: string, value: string): Promise<boolean> {
  return subject.seed(name, value).then(
    () => true,
    () => false,
  );
}

/** The code of the failure, or what was answered in its place. */
export function told(outcome: Outcome<unknown>): string {
  return 'failure' in outcome ? outcome.failure.code : `answered ${kind(outcome.answer)}`;
}

function kind(answer: unknown): string {
  return answer === undefined || answer === null ? String(answer) : typeof answer;
}
