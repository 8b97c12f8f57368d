import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { quoteName } from '../core/errors/wording';
import { EncryptedFileSecretManager } from '../drivers/encrypted-file';
import type { Command } from './command';
import { Failure, wrongUsage } from './failure';

type Environment = Readonly<Record<string, string | undefined>>;

/** The store that a command names. Only `set` creates it. */
export class CommandStore {
  readonly manager: EncryptedFileSecretManager;
  readonly #path: string;
  readonly #keyFile: string | undefined;

  constructor({ path, options }: Command, environment: Environment) {
    this.#path = resolve(path);
    this.#keyFile = options['key-file'];
    this.manager = new EncryptedFileSecretManager({
      path,
      ...keyOf(options, environment),
    });
  }

  async exists(): Promise<boolean> {
    return await exists(this.#path);
  }

  /** Opens the store. Rejects if there is none. */
  async open(): Promise<void> {
    if (!(await this.exists())) {
      throw new Failure(
        `There is no store at ${quoteName(this.#path)}. Check --path; "secret set" makes a store.`,
      );
    }
    await this.manager.validateEnvironment();
  }

  /** Creates the store, and its key file if that is missing. Resolves to a notice about both. */
  async create(): Promise<string> {
    const isKeyNew = this.#keyFile !== undefined && !(await exists(this.#keyFile));
    await this.manager.validateEnvironment();
    const store = `Made a new store at ${quoteName(this.#path)}`;
    if (!isKeyNew || this.#keyFile === undefined) return `${store}.`;
    return (
      `${store}, and its key in ${quoteName(resolve(this.#keyFile))}. Back up the key, apart from the store: without it ` +
      'the store cannot be opened.'
    );
  }
}

function keyOf(options: Command['options'], environment: Environment): object {
  const { 'key-file': keyFile, 'key-env': keyName, 'passphrase-env': passphraseName } = options;
  if (keyFile !== undefined) return { keyFile };
  if (keyName !== undefined) return { key: variable('key-env', keyName, environment) };
  return { passphrase: variable('passphrase-env', passphraseName, environment) };
}

/** Returns a variable. The error does not quote its name, which may be the key itself, given by mistake. */
function variable(option: string, name = '', environment: Environment): string {
  const value = environment[name];
  if (value) return value;
  throw wrongUsage(`The environment variable that --${option} names is not set.`);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw thrown;
  }
}
