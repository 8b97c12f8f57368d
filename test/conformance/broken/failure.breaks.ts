import {
  SecretManagerError,
  type SecretAnswer,
  type SecretMetadata,
} from 'nestjs-custom-secret-manager';
import type { Break } from './break';
import { CorrectSecretManager } from './correct.secret-manager';
import type { StoreResponse } from './path-store';

/** Throws another error for a refusal of the store. */
function throwing(failure: (response: StoreResponse) => unknown): Break['Manager'] {
  return class extends CorrectSecretManager {
    protected override failureOf(response: StoreResponse): unknown {
      return failure(response);
    }
  };
}

/** Returns a value for some failures. */
function answering(status: (status: number) => boolean, answer: SecretAnswer): Break['Manager'] {
  return class extends CorrectSecretManager {
    protected override answerOf(response: StoreResponse): SecretAnswer {
      return status(response.status) ? answer : super.answerOf(response);
    }
  };
}

export const failureBreaks: readonly Break[] = [
  {
    what: 'treats a 5xx as an absence',
    killedBy: 'for a secret that is not there, at a store that cannot be reached',
    Manager: answering((status) => status >= 500, undefined),
  },
  {
    what: 'returns null if access is denied',
    killedBy: 'for a secret that is not there, at a store that denies access',
    Manager: answering((status) => status === 403, null),
  },
  {
    what: 'returns an empty value if it is throttled',
    killedBy: 'fails with THROTTLED at',
    Manager: answering((status) => status === 429, ''),
  },
  {
    what: 'catches everything, and returns undefined',
    killedBy: 'answers no absence',
    Manager: class extends CorrectSecretManager {
      override async readSecret(...given: [string]): Promise<SecretAnswer> {
        return super.readSecret(...given).catch(() => undefined);
      }
    },
  },
  {
    what: 'catches everything in a synchronous read',
    killedBy: 'fails at once with',
    Manager: class extends CorrectSecretManager {
      override readSecretSync(name: string): SecretAnswer {
        try {
          return super.readSecretSync(name);
        } catch {
          return undefined;
        }
      }
    },
  },
  {
    what: 'throws a string',
    killedBy: 'fails with ACCESS_DENIED at',
    Manager: throwing(({ status }) => `status ${status}`),
  },
  {
    what: 'throws an error without information',
    killedBy: 'fails with UNAVAILABLE or TIMEOUT at',
    Manager: throwing(() => new Error('Something went wrong.')),
  },
  {
    what: 'treats every failure as an outage',
    killedBy: 'fails with ACCESS_DENIED at',
    Manager: throwing(() => new SecretManagerError('UNAVAILABLE', 'It failed.')),
  },
  {
    what: 'does not distinguish a dead token from a denial',
    killedBy: 'fails with UNAUTHENTICATED at',
    Manager: throwing(({ status }) => ({ status: status === 401 ? 403 : status })),
  },
  {
    what: 'does not distinguish a busy store from a broken one',
    killedBy: 'fails with THROTTLED at',
    Manager: throwing(({ status }) => ({ status: status === 429 ? 503 : status })),
  },
  {
    what: 'treats an answer that is no JSON as the value',
    killedBy: 'fails with MALFORMED at',
    Manager: class extends CorrectSecretManager {
      protected override parse(value: string): never {
        return (value.startsWith('{') ? super.parse(value) : { value }) as never;
      }
    },
  },
  {
    what: 'keeps failing after one failure',
    killedBy: 'answers again',
    Manager: class extends CorrectSecretManager {
      #session: Promise<SecretAnswer> | undefined;

      override async readSecret(...given: [string]): Promise<SecretAnswer> {
        this.#session ??= super.readSecret(...given);
        await this.#session;
        return super.readSecret(...given);
      }
    },
  },
  {
    what: 'reports a failed write as done',
    killedBy: 'fails to write with',
    Manager: class extends CorrectSecretManager {
      override async writeSecret(...given: [string, string]): Promise<SecretMetadata | void> {
        return super.writeSecret(...given).catch(() => ({}));
      }
    },
  },
  {
    what: 'reports a failed deletion as done',
    killedBy: 'fails to delete with',
    Manager: class extends CorrectSecretManager {
      override async deleteSecret(...given: [string]): Promise<SecretMetadata | void> {
        return super.deleteSecret(...given).catch(() => ({}));
      }
    },
  },
];
