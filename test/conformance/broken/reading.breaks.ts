import type { OperationOptions, SecretAnswer } from 'nestjs-custom-secret-manager';
import type { Break } from './break';
import { CorrectSecretManager, TOKEN } from './correct.secret-manager';

type Read = [name: string, options?: OperationOptions];

/** Reads in a wrong way; `read` is the right one. */
function reading(
  wrong: (read: () => Promise<SecretAnswer>, ...given: Read) => Promise<SecretAnswer>,
): Break['Manager'] {
  return class extends CorrectSecretManager {
    override readSecret(...given: Read): Promise<SecretAnswer> {
      return wrong(() => super.readSecret(...given), ...given);
    }
  };
}

/** Reads synchronously in a wrong way; `read` is the right one. */
function readingSync(
  wrong: (this: CorrectSecretManager, read: () => SecretAnswer, name: string) => unknown,
): Break['Manager'] {
  return class extends CorrectSecretManager {
    override readSecretSync(name: string): SecretAnswer {
      return wrong.call(this, () => super.readSecretSync(name), name) as SecretAnswer;
    }
  };
}

export const readingBreaks: readonly Break[] = [
  {
    what: 'throws for an absent secret',
    killedBy: 'answers undefined, and does not fail, for a secret that is not there',
    Manager: reading(async (read) => {
      const answer = await read();
      if (answer !== undefined) return answer;
      throw Object.assign(new Error('It is not there.'), { status: 404 });
    }),
  },
  {
    what: 'returns an empty value for an absent secret',
    killedBy: 'answers undefined, and does not fail, for a secret that is not there',
    Manager: reading(async (read) => (await read()) ?? ''),
  },
  {
    what: 'treats empty params as a request for a version',
    killedBy: 'takes empty params for none',
    Manager: reading(async (read, _, { params } = {}) =>
      params && params.version === undefined ? undefined : read(),
    ),
  },
  {
    what: 'uses a signal without a check for undefined',
    killedBy: 'takes options of which none is set for none',
    Manager: reading(async (read, _, options = {}) => {
      const { signal } = options as { signal: AbortSignal };
      if ('signal' in options) signal.throwIfAborted();
      return read();
    }),
  },
  {
    what: 'writes a default into the given params',
    killedBy: 'changes nothing in what it is given to read by',
    Manager: reading(async (read, _, { params } = {}) => {
      if (params) Object.assign(params, { version: 'latest' });
      return read();
    }),
  },
  {
    what: 'keeps the state of a call in a field',
    killedBy: 'mixes nothing up in reads of different secrets at once',
    Manager: class extends CorrectSecretManager {
      #current: Read = [''];

      override async readSecret(...given: Read): Promise<SecretAnswer> {
        this.#current = given;
        await Promise.resolve();
        return super.readSecret(...this.#current);
      }
    },
  },
  {
    what: 'fails for more than fifty concurrent reads',
    killedBy: 'answers a hundred reads at once',
    Manager: class extends CorrectSecretManager {
      #waiting = 0;

      override async readSecret(...given: Read): Promise<SecretAnswer> {
        if (this.#waiting >= 50) throw new Error('There is no connection left.');
        this.#waiting += 1;
        return super.readSecret(...given).finally(() => (this.#waiting -= 1));
      }
    },
  },
  {
    what: 'returns a promise from a synchronous read',
    killedBy: 'answers "value" at once',
    Manager: readingSync(async (read) => read()),
  },
  {
    what: 'treats an empty value of a synchronous read as absent',
    killedBy: 'answers "" at once',
    Manager: readingSync((read) => ((read() as { value?: string })?.value ? read() : undefined)),
  },
  {
    what: 'parses the values of synchronous reads',
    killedBy: 'answers "null" at once',
    Manager: readingSync((read) => {
      const answer = read() as { value: string } | undefined;
      return answer?.value === 'null' ? null : answer;
    }),
  },
  {
    what: 'joins a name into a path without encoding, in a synchronous read',
    killedBy: 'answers no other secret at once for a misleading name',
    Manager: class extends CorrectSecretManager {
      override readSecretSync(name: string): SecretAnswer {
        const request = { method: 'GET', path: `/secrets/${name}`, token: TOKEN } as const;
        return this.answerOf(this.store.requestSync(request));
      }
    },
  },
];
