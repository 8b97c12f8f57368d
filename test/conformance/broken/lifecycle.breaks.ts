import type { OperationOptions, SecretAnswer } from 'nestjs-custom-secret-manager';
import type { Break } from './break';
import { CorrectSecretManager } from './correct.secret-manager';

type Read = [name: string, options?: OperationOptions];

/** Reads in a wrong way after close; `read` is the right one. */
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

/** Checks its health in a wrong way; `check` is the right one. */
function checking(wrong: (check: () => Promise<boolean>) => Promise<unknown>): Break['Manager'] {
  return class extends CorrectSecretManager {
    override checkHealth(options?: OperationOptions): Promise<boolean> {
      return wrong(() => super.checkHealth(options)) as Promise<boolean>;
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
    what: 'refuses a complete environment',
    killedBy: 'finds its environment complete',
    Manager: class extends CorrectSecretManager {
      override validateEnvironment(): void {
        throw new Error('The region is missing.');
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
    what: 'returns the answer of the store about its health',
    killedBy: 'is healthy on a store that is well',
    Manager: checking(async (check) => ({ isHealthy: await check() })),
  },
  {
    what: 'returns nothing if it is not healthy',
    killedBy: 'is not healthy on a store that cannot be reached',
    Manager: checking(async (check) => (await check()) || undefined),
  },
  {
    what: 'stays unhealthy after one failed check',
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
    what: 'hangs in a read after close',
    killedBy: 'does not hang when it is read after it was closed',
    Manager: closed((read, isClosed) => (isClosed() ? new Promise(() => undefined) : read())),
  },
  {
    what: 'treats everything as absent after close',
    killedBy: 'does not hang when it is read after it was closed',
    Manager: closed(async (read, isClosed) => (isClosed() ? undefined : read())),
  },
  {
    what: 'treats a read in flight as absent on close',
    killedBy: 'does not take for absent what is read while it is closed',
    Manager: closed(async (read, isClosed) => {
      if (isClosed()) throw new Error('It is closed.');
      const answer = await read();
      return isClosed() ? undefined : answer;
    }),
  },
];
