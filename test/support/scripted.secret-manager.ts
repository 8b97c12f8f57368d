import {
  CustomSecretManager,
  SecretManagerError,
  type OperationOptions,
  type SecretAnswer,
  type SecretManagerErrorCode,
} from 'nestjs-custom-secret-manager';

type Script = (
  secretName: string,
  options?: OperationOptions,
) => SecretAnswer | Promise<SecretAnswer>;

/** A manager that answers as the test says, and records its calls. */
export class ScriptedSecretManager extends CustomSecretManager {
  readonly asked: { readonly name: string; readonly options: OperationOptions | undefined }[] = [];

  constructor(public script: Script = () => 'value') {
    super('scripted');
  }

  override async readSecret(name: string, options?: OperationOptions): Promise<SecretAnswer> {
    this.asked.push({ name, options });
    return await this.script(name, options);
  }
}

export function failure(
  code: SecretManagerErrorCode,
  context: { retryAfterMs?: number } = {},
): SecretManagerError {
  return new SecretManagerError(code, `the store failed with ${code}`, context);
}

/** Returns a script that throws these codes in turn, and then answers. */
export function failing(...codes: readonly SecretManagerErrorCode[]): Script {
  const left = [...codes];
  return () => {
    const code = left.shift();
    if (code !== undefined) throw failure(code);
    return 'value';
  };
}

/** Returns a script whose answers come when the test says so. */
export function deferred(): {
  script: Script;
  answer: (value: SecretAnswer) => void;
  fail: (error: Error) => void;
} {
  const waiting: { resolve: (value: SecretAnswer) => void; reject: (error: Error) => void }[] = [];
  return {
    script: () => new Promise((resolve, reject) => waiting.push({ resolve, reject })),
    answer: (value) => waiting.shift()?.resolve(value),
    fail: (error) => waiting.shift()?.reject(error),
  };
}
