import type {
  DeleteOptions,
  OperationOptions,
  SecretAnswer,
  SecretMetadata,
  WriteOptions,
} from 'nestjs-custom-secret-manager';
import type { Break } from './break';
import { CorrectSecretManager } from './correct.secret-manager';

type Delete = [name: string, options?: DeleteOptions];
type Deleted = Promise<SecretMetadata | void>;

/** Requests another recovery window. */
function keeping(days: (options: DeleteOptions) => number): Break['Manager'] {
  return class extends CorrectSecretManager {
    protected override daysOf(options: DeleteOptions): number {
      return days(options);
    }
  };
}

/** Also deletes all paths with a prefix. */
function sweeping(what: (path: string) => string): Break['Manager'] {
  return class extends CorrectSecretManager {
    override async deleteSecret(...given: Delete): Deleted {
      const path = this.pathOf(given[0]);
      const kept = [...this.store.contents].filter(([each]) => !each.startsWith(what(path)));
      const deleted = await super.deleteSecret(...given);
      this.store.contents = new Map(kept.filter(([each]) => each !== path));
      return deleted;
    }
  };
}

export const removingBreaks: readonly Break[] = [
  {
    what: 'deletes nothing',
    killedBy: 'answers undefined for a secret that was deleted',
    Manager: class extends CorrectSecretManager {
      override deleteSecret(): Deleted {
        return Promise.resolve({});
      }
    },
  },
  {
    what: 'empties a secret instead of deleting it',
    killedBy: 'answers undefined for a secret that was deleted',
    Manager: class extends CorrectSecretManager {
      override deleteSecret(...[name, options]: Delete): Deleted {
        return this.writeSecret(name, '', options);
      }
    },
  },
  {
    what: 'fails to delete a missing secret',
    killedBy: 'does not fail to delete a secret that is not there',
    Manager: class extends CorrectSecretManager {
      override async deleteSecret(name: string, options: DeleteOptions = {}): Deleted {
        const response = await this.ask('DELETE', name, options, { days: this.daysOf(options) });
        return this.metadataOf(this.contentOf(response));
      }
    },
  },
  {
    what: 'deletes every secret whose name begins with the name',
    killedBy: 'leaves other secrets alone when it deletes one',
    Manager: sweeping((path) => path),
  },
  {
    what: 'deletes a folder with its content',
    killedBy: 'leaves alone what lies below the name that it deletes',
    Manager: sweeping((path) => `${path}/`),
  },
  {
    what: 'returns a deleted secret from memory',
    killedBy: 'answers undefined for a secret that was deleted',
    Manager: class extends CorrectSecretManager {
      readonly #seen = new Map<string, SecretAnswer>();

      override async readSecret(...given: [string, OperationOptions?]): Promise<SecretAnswer> {
        const answer = (await super.readSecret(...given)) ?? this.#seen.get(given[0]);
        this.#seen.set(given[0], answer);
        return answer;
      }
    },
  },
  {
    what: 'does not restore a secret that is pending deletion',
    killedBy: 'creates a secret again that was deleted',
    Manager: class extends CorrectSecretManager {
      override async writeSecret(
        name: string,
        value: string,
        options: WriteOptions = {},
      ): Promise<SecretMetadata | void> {
        const { createOnly } = options;
        const body = this.bodyOf(value, options);
        return this.metadataOf(
          this.contentOf(await this.ask('PUT', name, options, { body, createOnly })),
        );
      }
    },
  },
  {
    what: 'restores a secret that is pending deletion, with the old value',
    killedBy: 'creates a secret again that was deleted',
    Manager: class extends CorrectSecretManager {
      override async writeSecret(
        ...given: [string, string, WriteOptions?]
      ): Promise<SecretMetadata | void> {
        const { contents } = this.store;
        if (!contents.get(`/secrets/${given[0]}`)?.deletionAt) return super.writeSecret(...given);
        return this.metadataOf(this.contentOf(await this.ask('RESTORE', given[0])));
      }
    },
  },
  {
    what: 'treats a secret that is pending deletion as existing',
    killedBy: 'creates a secret again with createOnly that was deleted',
    Manager: class extends CorrectSecretManager {
      override async writeSecret(
        ...given: [string, string, WriteOptions?]
      ): Promise<SecretMetadata | void> {
        if (given[2]?.createOnly && this.store.contents.has(`/secrets/${given[0]}`))
          throw Object.assign(new Error('It exists.'), { status: 409 });
        return super.writeSecret(...given);
      }
    },
  },
  {
    what: 'treats a recovery window of 0 as not given',
    killedBy: 'was deleted without a recovery window',
    Manager: keeping(({ recoveryWindowInDays = 0 }) =>
      recoveryWindowInDays > 0 ? recoveryWindowInDays : 7,
    ),
  },
  {
    what: 'uses the recovery window of the store, which is thirty days',
    killedBy: 'for seven days if the call does not say',
    Manager: keeping(({ recoveryWindowInDays = 30 }) => recoveryWindowInDays),
  },
  {
    what: 'ignores the recovery window',
    killedBy: 'for as long as the call says',
    Manager: keeping(({ recoveryWindowInDays }) => (recoveryWindowInDays === 0 ? 0 : 7)),
  },
];
