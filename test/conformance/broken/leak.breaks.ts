import type { SecretMetadata, WriteOptions } from 'nestjs-custom-secret-manager';
import type { Break } from './break';
import { CorrectSecretManager, TOKEN } from './correct.secret-manager';
import type { StoreResponse } from './path-store';

/** Throws another error for a refusal of the store. */
function throwing(failure: (response: StoreResponse) => unknown): Break['Manager'] {
  return class extends CorrectSecretManager {
    protected override failureOf(response: StoreResponse): unknown {
      return failure(response);
    }
  };
}

function withStatus(error: Error, { status }: StoreResponse, more: object = {}): Error {
  return Object.assign(error, { status, ...more });
}

export const leakBreaks: readonly Break[] = [
  {
    what: 'has the token in the message of an error',
    killedBy: 'shows no value and no credential in any error',
    Manager: throwing((response) => withStatus(new Error(`The store refused ${TOKEN}.`), response)),
  },
  {
    what: 'has the answer of the store in the message of an error',
    killedBy: 'shows no value and no credential in any error',
    Manager: throwing((response) =>
      withStatus(new Error(`The store answered: ${response.body}`), response),
    ),
  },
  {
    what: 'has the answer of the store in the cause of an error',
    killedBy: 'shows no value and no credential in any error',
    Manager: throwing((response) =>
      withStatus(new Error('It failed.', { cause: response }), response),
    ),
  },
  {
    what: 'has the answer of the store in a field of an error',
    killedBy: 'shows no value and no credential in any error',
    Manager: throwing((response) => withStatus(new Error('It failed.'), response, { response })),
  },
  {
    what: 'has the headers of the request in a hidden field of an error',
    killedBy: 'shows no value and no credential in any error',
    Manager: throwing((response) => {
      const config = { value: { headers: { authorization: `Bearer ${TOKEN}` } } };
      return Object.defineProperty(withStatus(new Error('It failed.'), response), 'config', config);
    }),
  },
  {
    what: 'has the token in an address in an error',
    killedBy: 'shows no value and no credential in any error',
    Manager: throwing((response) =>
      withStatus(new Error(`http://u:${encodeURIComponent(TOKEN)}@store.test failed`), response),
    ),
  },
  {
    what: 'leaks the error of JSON.parse, which quotes the value',
    killedBy: 'shows no value and no credential in any error at a store that answers nonsense',
    Manager: class extends CorrectSecretManager {
      protected override parse(text: string): never {
        return JSON.parse(text) as never;
      }
    },
  },
  {
    what: 'shows the beginning of a value that it could not write',
    killedBy: 'shows no value and no credential in any error',
    Manager: class extends CorrectSecretManager {
      override async writeSecret(
        name: string,
        value: string,
        options?: WriteOptions,
      ): Promise<SecretMetadata | void> {
        return super.writeSecret(name, value, options).catch(({ status }) => {
          throw Object.assign(new Error(`${value.slice(0, 7)}… was refused.`), { status });
        });
      }
    },
  },
  {
    what: 'shows the answer of the store if the secret exists',
    killedBy: 'in the error about a secret that exists',
    Manager: throwing((response) =>
      withStatus(new Error(response.status === 409 ? response.body : 'It failed.'), response),
    ),
  },
];
