import {
  SecretManagerError,
  type OperationOptions,
  type SecretAnswer,
} from 'nestjs-custom-secret-manager';
import type { Break } from './break';
import { CorrectSecretManager, TOKEN } from './correct.secret-manager';

type Names = readonly string[];
type Answers = ReadonlyMap<string, SecretAnswer | Error>;

/** Reads several secrets in a wrong way; `read` is the right one. */
function reading(
  wrong: (read: (names: Names) => Promise<Answers>, names: Names) => Promise<unknown>,
): Break['Manager'] {
  return class extends CorrectSecretManager {
    override readSecrets(names: Names, options?: OperationOptions): Promise<Answers> {
      return wrong((some) => super.readSecrets(some, options), names) as Promise<Answers>;
    }
  };
}

/** Changes each answer of a batch. */
function mapping(
  change: (name: string, answer: SecretAnswer | Error) => unknown,
): Break['Manager'] {
  return reading(async (read, names) => {
    const answers = [...(await read(names))];
    return new Map(answers.map(([name, answer]) => [name, change(name, answer)]));
  });
}

export const batchBreaks: readonly Break[] = [
  {
    what: 'loses several secrets if one fails',
    killedBy: 'an error for the one of several secrets that cannot be read',
    Manager: class extends CorrectSecretManager {
      override async readSecrets(names: Names, options?: OperationOptions): Promise<Answers> {
        const answers = names.map(async (name) => [name, await this.readSecret(name, options)]);
        return new Map((await Promise.all(answers)) as [string, SecretAnswer][]);
      }
    },
  },
  {
    what: 'fails for several secrets if its store cannot have one of the names',
    killedBy: 'answers the others where one of several names is "a name?#[*]"',
    Manager: class extends CorrectSecretManager {
      override async readSecrets(names: Names, options?: OperationOptions): Promise<Answers> {
        if (names.every((name) => /^[\w/+=.@-]+$/.test(name)))
          return super.readSecrets(names, options);
        throw new SecretManagerError('INVALID_ARGUMENT', 'There is no such name.');
      }
    },
  },
  {
    what: 'leaves out the failed ones of several secrets',
    killedBy: 'an error for the one of several secrets that cannot be read',
    Manager: mapping((_, answer) => (isError(answer) ? undefined : answer)),
  },
  {
    what: 'treats failures of several secrets as absences in an outage',
    killedBy: 'for each of several secrets, or for all, at a store that cannot be reached',
    Manager: reading((read, names) => read(names).then((all) => (isOutage(all) ? new Map() : all))),
  },
  {
    what: 'treats an absence among several secrets as a failure',
    killedBy: 'takes for absent what is not there',
    Manager: mapping(
      (_, answer) => answer ?? new SecretManagerError('NOT_FOUND', 'It is not there.'),
    ),
  },
  {
    what: 'returns several secrets under names in lower case',
    killedBy: 'answers under the names as they were given',
    Manager: reading(async (read, names) => {
      const answers = [...(await read(names))];
      return new Map(answers.map(([name, answer]) => [name.toLowerCase(), answer]));
    }),
  },
  {
    what: 'relies on the order in which the store returns several secrets',
    killedBy: 'answers under the names as they were given, whatever the order',
    Manager: reading(async (read, names) => {
      const answers = await read(names);
      const sorted = [...names].sort();
      return new Map(names.map((name, index) => [name, answers.get(sorted[index] ?? '')]));
    }),
  },
  {
    what: 'reads only the first twenty of several secrets',
    killedBy: 'reads more secrets at once than a store may take',
    Manager: reading((read, names) => read(names.slice(0, 20))),
  },
  {
    what: 'refuses a repeated name',
    killedBy: 'reads at once a name that is given twice',
    Manager: reading(async (read, names) => {
      if (new Set(names).size === names.length) return read(names);
      throw Object.assign(new Error('It is there twice.'), { status: 400 });
    }),
  },
  {
    what: 'returns several secrets as an ordinary object',
    killedBy: 'reads several secrets at once',
    Manager: reading(async (read, names) => Object.fromEntries(await read(names))),
  },
  {
    what: 'reads all secrets for an empty list',
    killedBy: 'reads none at once',
    Manager: reading((read, names) => read(names.length > 0 ? names : ['EVERYTHING'])),
  },
  {
    what: 'trims each of several values',
    killedBy: 'answers at once what it answers one by one',
    Manager: mapping((_, answer) => {
      if (isError(answer) || !answer) return answer;
      return (answer as { value: string }).value.replace(/\s+/g, '');
    }),
  },
  {
    what: 'treats an empty one of several values as absent',
    killedBy: 'reads an empty value among several',
    Manager: mapping((_, answer) => ((answer as { value?: string })?.value === '' ? null : answer)),
  },
  {
    what: 'joins several names into paths without encoding',
    killedBy: 'answers no other secret for a misleading name among several',
    Manager: class extends CorrectSecretManager {
      override async readSecrets(names: Names, options?: OperationOptions): Promise<Answers> {
        const answers = await super.readSecrets(names, options);
        const raw = names.filter((name) => name.includes('..'));
        return new Map([...answers, ...raw.map((name) => [name, this.raw(name)] as const)]);
      }

      private raw(name: string): SecretAnswer {
        const request = { method: 'GET', path: `/secrets/${name}`, token: TOKEN } as const;
        return this.answerOf(this.store.requestSync(request));
      }
    },
  },
  {
    what: 'sorts the given array of names',
    killedBy: 'changes nothing in what it is given to read by',
    Manager: reading((read, names) => read((names as string[]).sort())),
  },
];

function isError(answer: SecretAnswer | Error): boolean {
  return typeof answer === 'object' && answer !== null && 'message' in answer;
}

function isOutage(answers: Answers): boolean {
  return [...answers.values()].some(
    (answer) => isError(answer) && Reflect.get(answer as Error, 'status') === 503,
  );
}
