import type { OperationOptions, SecretAnswer } from 'nestjs-custom-secret-manager';
import type { Break } from './break';
import { CorrectSecretManager } from './correct.secret-manager';
import type { StoreRequest, StoreResponse } from './path-store';

type Asked = [StoreRequest['method'], string, OperationOptions?, Partial<StoreRequest>?];

/** Ignores the signal of some requests. */
function deafTo(isDeaf: (method: StoreRequest['method']) => boolean): Break['Manager'] {
  return class extends CorrectSecretManager {
    protected override ask(...[method, name, options, more]: Asked): Promise<StoreResponse> {
      return super.ask(method, name, isDeaf(method) ? undefined : options, more);
    }
  };
}

/** Replaces the failure of a read. */
function catching(caught: (thrown: Error) => SecretAnswer): Break['Manager'] {
  return class extends CorrectSecretManager {
    override readSecret(...given: [string, OperationOptions?]): Promise<SecretAnswer> {
      return super.readSecret(...given).catch(caught);
    }
  };
}

export const abortBreaks: readonly Break[] = [
  {
    what: 'ignores the signal',
    killedBy: 'ends a call that hangs when its signal aborts',
    Manager: deafTo(() => true),
  },
  {
    what: 'ignores the signal of a write',
    killedBy: 'ends a write that hangs when its signal aborts',
    Manager: deafTo((method) => method === 'PUT'),
  },
  {
    what: 'ignores the signal of a deletion',
    killedBy: 'ends a deletion that hangs when its signal aborts',
    Manager: deafTo((method) => method === 'DELETE'),
  },
  {
    what: 'ignores the signal of a health check',
    killedBy: 'ends a health check that hangs when its signal aborts',
    Manager: deafTo((method) => method === 'HEALTH'),
  },
  {
    what: 'ignores the signal of a read of several secrets',
    killedBy: 'ends a read of several secrets that hangs when its signal aborts',
    Manager: class extends CorrectSecretManager {
      override readSecrets(
        names: readonly string[],
      ): ReturnType<CorrectSecretManager['readSecrets']> {
        return super.readSecrets(names);
      }
    },
  },
  {
    what: 'waits for an abort that has already happened',
    killedBy: 'whose signal was aborted before',
    Manager: class extends CorrectSecretManager {
      protected override ask(...[method, name, options, more]: Asked): Promise<StoreResponse> {
        const aborted = new Promise<never>((_, reject) => {
          const { signal } = options ?? {};
          signal?.addEventListener('abort', () => reject(signal.reason as Error));
        });
        return Promise.race([super.ask(method, name, {}, more), aborted]);
      }
    },
  },
  {
    what: 'treats an aborted call as an absence',
    killedBy: 'ends a call that hangs when its signal aborts',
    Manager: catching((thrown) => {
      if (thrown.name === 'AbortError') return undefined;
      throw thrown;
    }),
  },
  {
    what: 'treats a timeout as an absence',
    killedBy: 'when the signal of a deadline aborts',
    Manager: catching((thrown) => {
      if (thrown.name === 'TimeoutError') return undefined;
      throw thrown;
    }),
  },
  {
    what: 'throws its own error when it is aborted',
    killedBy: 'ends a call that hangs when its signal aborts',
    Manager: catching((thrown) => {
      throw thrown.name === 'AbortError' ? new Error('It was aborted.') : thrown;
    }),
  },
  {
    what: 'shares a call that its first caller can abort',
    killedBy: 'lets other calls alone when one is aborted',
    Manager: class extends CorrectSecretManager {
      readonly #calls = new Map<string, Promise<SecretAnswer>>();

      override readSecret(...given: [string, OperationOptions?]): Promise<SecretAnswer> {
        const [name] = given;
        const call = this.#calls.get(name) ?? super.readSecret(...given);
        this.#calls.set(name, call);
        return call.finally(() => this.#calls.delete(name));
      }
    },
  },
];
