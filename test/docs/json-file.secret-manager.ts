import { readFile } from 'node:fs/promises';
import {
  CustomSecretManager,
  type OperationOptions,
} from '../../lib/core/contract/custom-secret-manager';
import { read } from '../../lib/core/errors/safe-access';
import { SecretManagerError } from '../../lib/core/errors/secret-manager.error';
import { assertKnownOptions } from '../../lib/core/validation/option-rules';
import { assertNoParams } from '../../lib/core/validation/params';

export interface JsonFileSecretManagerOptions {
  /** The path of a file that holds one JSON object of strings. */
  readonly path: string;
}

/** Reads secrets from one JSON file. It reads only. A missing file is `UNAVAILABLE`, and not a missing secret. */
export class JsonFileSecretManager extends CustomSecretManager {
  readonly #path: string;

  /** Throws `MISCONFIGURED` for an unknown option. */
  constructor(options: JsonFileSecretManagerOptions) {
    super('json-file');
    assertKnownOptions('JsonFileSecretManager', options, ['path']);
    this.#path = options.path;
  }

  override async readSecret(
    secretName: string,
    { params, signal }: OperationOptions = {},
  ): Promise<string | undefined> {
    assertNoParams(params, 'a JSON file knows one version of a secret, and no tenants');
    const secrets: unknown = JSON.parse(await this.content(signal));
    if (typeof secrets !== 'object' || secrets === null) throw this.malformed('is no JSON object');
    const value: unknown = Object.hasOwn(secrets, secretName)
      ? Reflect.get(secrets, secretName)
      : undefined;
    if (value === undefined || typeof value === 'string') return value;
    throw this.malformed('holds a value that is no string');
  }

  private async content(signal?: AbortSignal): Promise<string> {
    try {
      return await readFile(this.#path, { encoding: 'utf8', signal });
    } catch (thrown) {
      const isMissing = read(thrown, 'code') === 'ENOENT';
      throw isMissing ? new SecretManagerError('UNAVAILABLE', 'The JSON file is missing.') : thrown;
    }
  }

  private malformed(problem: string): SecretManagerError {
    return new SecretManagerError('MALFORMED', `The JSON file ${problem}.`);
  }
}
