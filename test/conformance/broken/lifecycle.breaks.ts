import type { OperationOptions, SecretAnswer } from 'nestjs-custom-secret-manager';
import type { Break } from './break';
import { CorrectSecretManager, TOKEN } from './correct.secret-manager';

type Read = [name: string, options?: OperationOptions];

/** Reads in another way; `read` is the right one. */
function reading(
  wrong: (read: () => Promise<SecretAnswer>, ...given: Read) => Promise<SecretAnswer>,
): Break['Manager'] {
  return class extends CorrectSecretManager {
    override readSecret(...given: Read): Promise<SecretAnswer> {
      return wrong(() => super.readSecret(...given), ...given);
    }
  };
}

/** Reads in another way when it is closed; `read` is the right one. */
function closed(
  wrong: (read: () => Promise<SecretAnswer>, isClosed: () => boolean) => Promise<SecretAnswer>,
): Break['Manager'] {
  return class extends CorrectSecretManager {
    #isClosed = false;

    override readSecret(...given: Read): Promise<SecretAnswer> {
      return wrong(
        () => super.readSecret(...given),
        () => this.#isClosed,
      );
    }

    override close(): void {
      this.#isClosed = true;
    }
  };
}

/** Checks its health in another way; `check` is the right one. */
function checking(wrong: (check: () => Promise<boolean>) => Promise<unknown>): Break['Manager'] {
  return class extends CorrectSecretManager {
    override checkHealth(options?: OperationOptions): Promise<boolean> {
      return wrong(() => super.checkHealth(options)) as Promise<boolean>;
    }
  };
}

/** Reads synchronously in another way; `read` is the right one. */
function readingSync(
  wrong: (this: CorrectSecretManager, read: () => SecretAnswer, name: string) => unknown,
): Break['Manager'] {
  return class extends CorrectSecretManager {
    override readSecretSync(name: string): SecretAnswer {
      return wrong.call(this, () => super.readSecretSync(name), name) as SecretAnswer;
    }
  };
}

export const lifecycleBreaks: readonly Break[] = [
  {
    what: 'has no name',
    killedBy: 'has a name to stand in errors and logs',
    Manager: class extends CorrectSecretManager {
      override readonly secretManagerName = '';
    },
  },
  {
    what: 'misses something in an environment that is complete',
    killedBy: 'finds its environment complete',
    Manager: class extends CorrectSecretManager {
      override validateEnvironment(): void {
        throw new Error('The region is missing.');
      }
    },
  },
  {
    what: 'answers what is absent with an error',
    killedBy: 'answers undefined, and does not fail, for a secret that is not there',
    Manager: reading(async (read) => {
      const answer = await read();
      if (answer !== undefined) return answer;
      throw Object.assign(new Error('It is not there.'), { status: 404 });
    }),
  },
  {
    what: 'answers what is absent with an empty value',
    killedBy: 'answers undefined, and does not fail, for a secret that is not there',
    Manager: reading(async (read) => (await read()) ?? ''),
  },
  {
    what: 'takes empty params for a wish to have a version',
    killedBy: 'takes empty params for none',
    Manager: reading(async (read, _, { params } = {}) =>
      params && params.version === undefined ? undefined : read(),
    ),
  },
  {
    what: 'looks at a signal that is not there',
    killedBy: 'takes options of which none is set for none',
    Manager: reading(async (read, _, options = {}) => {
      const { signal } = options as { signal: AbortSignal };
      if ('signal' in options) signal.throwIfAborted();
      return read();
    }),
  },
  {
    what: 'writes a default into the params that it was given',
    killedBy: 'changes nothing in what it is given to read by',
    Manager: reading(async (read, _, { params } = {}) => {
      if (params) Object.assign(params, { version: 'latest' });
      return read();
    }),
  },
  {
    what: 'keeps what a call is about in a field',
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
    what: 'fails where more than fifty ask at once',
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
    what: 'answers a synchronous read with a promise',
    killedBy: 'answers "value" at once',
    Manager: readingSync(async (read) => read()),
  },
  {
    what: 'takes an empty value of a synchronous read for absent',
    killedBy: 'answers "" at once',
    Manager: readingSync((read) => ((read() as { value?: string })?.value ? read() : undefined)),
  },
  {
    what: 'parses what it reads synchronously',
    killedBy: 'answers "null" at once',
    Manager: readingSync((read) => {
      const answer = read() as { value: string } | undefined;
      return answer?.value === 'null' ? null : answer;
    }),
  },
  {
    what: 'joins a name into a path as it is, in a synchronous read',
    killedBy: 'answers no other secret at once for a misleading name',
    Manager: class extends CorrectSecretManager {
      override readSecretSync(name: string): SecretAnswer {
        const request = { method: 'GET', path: `/secrets/${name}`, token: TOKEN } as const;
        return this.answerOf(this.store.requestSync(request));
      }
    },
  },
  {
    what: 'is always healthy',
    killedBy: 'is not healthy on a store that cannot be reached',
    Manager: checking(async () => true),
  },
  {
    what: 'is never healthy',
    killedBy: 'is healthy on a store that is well',
    Manager: checking(async () => {
      throw new Error('It asks at the wrong address.');
    }),
  },
  {
    what: 'answers what the store says of its health',
    killedBy: 'is healthy on a store that is well',
    Manager: checking(async (check) => ({ isHealthy: await check() })),
  },
  {
    what: 'says nothing where it is not healthy',
    killedBy: 'is not healthy on a store that cannot be reached',
    Manager: checking(async (check) => (await check()) || undefined),
  },
  {
    what: 'stays ill when it was ill once',
    killedBy: 'is healthy again when the store is well again',
    Manager: class extends CorrectSecretManager {
      #isWell = true;

      override async checkHealth(options?: OperationOptions): Promise<boolean> {
        this.#isWell &&= await super.checkHealth(options);
        return this.#isWell;
      }
    },
  },
  {
    what: 'fails to close twice',
    killedBy: 'can be closed twice',
    Manager: class extends CorrectSecretManager {
      #isClosed = false;

      override close(): void {
        if (this.#isClosed) throw new Error('It is closed already.');
        this.#isClosed = true;
      }
    },
  },
  {
    what: 'hangs in its second close',
    killedBy: 'can be closed twice',
    Manager: class extends CorrectSecretManager {
      #isClosed = false;

      override close(): Promise<void> {
        if (this.#isClosed) return new Promise(() => undefined);
        this.#isClosed = true;
        return Promise.resolve();
      }
    },
  },
  {
    what: 'hangs in a read when it is closed',
    killedBy: 'does not hang when it is read after it was closed',
    Manager: closed((read, isClosed) => (isClosed() ? new Promise(() => undefined) : read())),
  },
  {
    what: 'takes everything for absent when it is closed',
    killedBy: 'does not hang when it is read after it was closed',
    Manager: closed(async (read, isClosed) => (isClosed() ? undefined : read())),
  },
  {
    what: 'takes for absent what it was reading when it was closed',
    killedBy: 'does not take for absent what is read while it is closed',
    Manager: closed(async (read, isClosed) => {
      if (isClosed()) throw new Error('It is closed.');
      const answer = await read();
      return isClosed() ? undefined : answer;
    }),
  },
];
