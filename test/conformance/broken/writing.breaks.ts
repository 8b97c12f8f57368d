import {
  SecretManagerError,
  type OperationOptions,
  type SecretAnswer,
  type SecretMetadata,
  type WriteOptions,
} from 'nestjs-custom-secret-manager';
import type { Break } from './break';
import { CorrectSecretManager } from './correct.secret-manager';
import type { Kept } from './path-store';

type Write = [name: string, value: string, options?: WriteOptions];
type Written = Promise<SecretMetadata | void>;

/** Sends another body. */
function sending(body: (value: string, options: WriteOptions) => object): Break['Manager'] {
  return class extends CorrectSecretManager {
    protected override bodyOf(value: string, options: WriteOptions): string {
      return JSON.stringify(body(value, options));
    }
  };
}

/** Writes in a wrong way; `write` is the right one. */
function writing(
  wrong: (write: (...given: Write) => Written, ...given: Write) => Written,
): Break['Manager'] {
  return class extends CorrectSecretManager {
    override writeSecret(...given: Write): Written {
      return wrong((...right) => super.writeSecret(...right), ...given);
    }
  };
}

/** Returns another version from reads. */
function versioned(version: (answer: { version: string }) => unknown): Break['Manager'] {
  return class extends CorrectSecretManager {
    override async readSecret(...given: [string, OperationOptions?]): Promise<SecretAnswer> {
      const answer = (await super.readSecret(...given)) as { value: string; version: string };
      return answer && { ...answer, version: version(answer) as string };
    }
  };
}

export const writingBreaks: readonly Break[] = [
  {
    what: 'trims the values that it writes',
    killedBy: 'reads white space around a value as it was written',
    Manager: sending((value, { description, tags }) => ({
      value: value.trim(),
      description,
      tags,
    })),
  },
  {
    what: 'truncates the values that it writes at a NUL',
    killedBy: 'reads a NUL as it was written',
    Manager: sending((value, { description, tags }) => ({
      value: value.split('\0')[0],
      description,
      tags,
    })),
  },
  {
    what: 'encodes values on write, and does not decode them on read',
    killedBy: 'reads letters of other scripts as it was written',
    Manager: writing((write, name, value, options) => write(name, encodeURI(value), options)),
  },
  {
    what: 'does not write an empty value',
    killedBy: 'reads an empty value as it was written',
    Manager: writing(async (write, ...given) => (given[1] === '' ? {} : write(...given))),
  },
  {
    what: 'creates, but never updates',
    killedBy: 'writes over what is there already',
    Manager: writing((write, name, value, options) =>
      write(name, value, { ...options, createOnly: true }),
    ),
  },
  {
    what: 'ignores createOnly',
    killedBy: 'refuses with CONFLICT to create a secret that exists',
    Manager: writing((write, name, value, options) =>
      write(name, value, { ...options, createOnly: false }),
    ),
  },
  {
    what: 'checks for a secret first, and creates it later',
    killedBy: 'lets one of two win that create a secret at once',
    Manager: class extends CorrectSecretManager {
      override async writeSecret(name: string, value: string, options: WriteOptions = {}): Written {
        const { createOnly, ...others } = options;
        if (createOnly && (await this.readSecret(name)) !== undefined)
          throw new SecretManagerError('CONFLICT', 'The secret exists.');
        return super.writeSecret(name, value, others);
      }
    },
  },
  {
    what: 'reports an existing secret as created',
    killedBy: 'refuses with CONFLICT to create a secret that exists',
    Manager: writing((write, ...given) =>
      write(...given).catch((thrown: { status?: number }) => {
        if (thrown.status !== 409) throw thrown;
        return {};
      }),
    ),
  },
  {
    what: 'writes a default into the given options',
    killedBy: 'changes nothing in what it is given to write',
    Manager: writing((write, name, value, options = {}) =>
      write(name, value, Object.assign(options, { createOnly: options.createOnly ?? false })),
    ),
  },
  {
    what: 'reads, changes and writes back the whole store concurrently',
    killedBy: 'loses none of twenty secrets that are written at once',
    Manager: class extends CorrectSecretManager {
      override async writeSecret(...given: Write): Written {
        const before = this.store.contents;
        const written = await super.writeSecret(...given);
        const path = `/secrets/${given[0]}`;
        const kept = this.store.contents.get(path);
        this.store.contents = new Map(kept ? [...before, [path, kept]] : before);
        return written;
      }
    },
  },
  {
    what: 'keeps a cached value after a write',
    killedBy: 'answers the new value after a secret has been written over',
    Manager: class extends CorrectSecretManager {
      readonly #seen = new Map<string, SecretAnswer>();

      override async readSecret(...given: [string, OperationOptions?]): Promise<SecretAnswer> {
        const answer = this.#seen.get(given[0]) ?? (await super.readSecret(...given));
        this.#seen.set(given[0], answer);
        return answer;
      }

      override deleteSecret(...given: [string]): Written {
        this.#seen.delete(given[0]);
        return super.deleteSecret(...given);
      }
    },
  },
  {
    what: 'returns the same version after every write',
    killedBy: 'answers another version after a write',
    Manager: versioned(() => 'latest'),
  },
  {
    what: 'returns another version from every read',
    killedBy: 'answers a version that stays while the secret does',
    Manager: versioned(() => String(Math.random())),
  },
  {
    what: 'returns a version that is a number',
    killedBy: 'answers a version that stays while the secret does',
    Manager: versioned(({ version }) => Number(version)),
  },
  {
    what: 'returns the previous version from a write',
    killedBy: 'tells of a write the version that is read after it',
    Manager: class extends CorrectSecretManager {
      protected override metadataOf(content: Kept): SecretMetadata {
        return super.metadataOf({ ...content, version: content.version - 1 });
      }
    },
  },
];
