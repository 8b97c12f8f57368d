import type { OperationOptions, SecretReading } from '../../core/contract/custom-secret-manager';
import { translateError } from '../../core/errors/error-table';
import { isErrorLike } from '../../core/errors/safe-access';
import type { SecretManagerError } from '../../core/errors/secret-manager.error';
import { toReading } from '../../core/validation/answers';
import type { Subject } from './harness';

/** The outcome of a call as the library sees it: a translated failure, or an answer in its normal form. */
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

/** Resolves to the values of several secrets, by name. A failed one is `'an error'`. */
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

/** Resolves to the outcome of a call, even if it rejects, or throws before it returns a promise. */
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

/** Tries to seed a secret. Resolves to `false` if the store cannot have the name, or refuses the value. */
export async function trySeed(subject: Subject, name: string, value: string): Promise<boolean> {
  if (subject.isPossible(name) === false) return false;
  return await subject.seed(name, value).then(
    () => true,
    () => false,
  );
}

/** Returns the code of the failure, or the kind of the answer. */
export function summaryOf(outcome: Outcome<unknown>): string {
  return 'failure' in outcome ? outcome.failure.code : `answered ${kind(outcome.answer)}`;
}

function kind(answer: unknown): string {
  return answer === undefined || answer === null ? String(answer) : typeof answer;
}
