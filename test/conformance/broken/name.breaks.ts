import type { SecretAnswer } from 'nestjs-custom-secret-manager';
import { posix } from 'node:path';
import type { Break } from './break';
import { CorrectSecretManager, TOKEN } from './correct.secret-manager';
import type { StoreRequest } from './path-store';

type Method = StoreRequest['method'];

/** Sends another name to the store. */
function renaming(rename: (name: string) => string): Break['Manager'] {
  return class extends CorrectSecretManager {
    protected override pathOf(name: string): string {
      return super.pathOf(rename(name));
    }
  };
}

/** Builds wrong paths, for some methods or for all. */
function addressing(path: (name: string) => string, ...only: Method[]): Break['Manager'] {
  return class extends CorrectSecretManager {
    protected override requestFor(method: Method, name: string): StoreRequest {
      return only.length === 0 || only.includes(method)
        ? { method, path: path(name), token: TOKEN }
        : super.requestFor(method, name);
    }
  };
}

const joined = (name: string): string => `/secrets/${name}`;
const encoded = (name: string): string =>
  `/secrets/${name.split('/').map(encodeURIComponent).join('/')}`;

export const nameBreaks: readonly Break[] = [
  {
    what: 'joins a name into a path without encoding',
    killedBy: 'does not answer another secret for the name "team/../victim"',
    Manager: addressing(joined),
  },
  {
    what: 'encodes a name, but not its dots',
    killedBy: 'does not answer another secret for the name "./victim"',
    Manager: addressing(encoded),
  },
  {
    what: 'uses encodeURI instead of encodeURIComponent',
    killedBy: 'finds a secret whose name has a question mark',
    Manager: addressing((name) => encodeURI(joined(name))),
  },
  {
    what: 'cleans the path itself',
    killedBy: 'does not answer another secret for the name "team//victim"',
    Manager: addressing((name) => posix.normalize(encoded(name))),
  },
  {
    what: 'encodes a name for reading, not for writing',
    killedBy: 'writes over no other secret under a misleading name',
    Manager: addressing(joined, 'PUT'),
  },
  {
    what: 'encodes a name for reading, not for deleting',
    killedBy: 'deletes no other secret under a misleading name',
    Manager: addressing(joined, 'DELETE'),
  },
  {
    what: 'encodes a name twice',
    killedBy: 'finds a secret whose name has a space',
    Manager: renaming((name) => name.split('/').map(encodeURIComponent).join('/')),
  },
  {
    what: 'decodes a name',
    killedBy: 'does not answer another secret for the name "team%2fvictim"',
    Manager: renaming(decodeURIComponent),
  },
  {
    what: 'lower-cases names',
    killedBy: 'tells upper case from lower case',
    Manager: renaming((name) => name.toLowerCase()),
  },
  {
    what: 'trims names',
    killedBy: 'does not answer another secret for the name "victim\\n"',
    Manager: renaming((name) => name.trim()),
  },
  {
    what: 'truncates names at a NUL',
    killedBy: 'does not answer another secret for the name "victim\\u0000"',
    Manager: renaming((name) => name.split('\0')[0] ?? ''),
  },
  {
    what: 'strips slashes at the ends',
    killedBy: 'does not answer another secret for the name "victim/"',
    Manager: renaming((name) => name.replace(/^\/+|\/+$/g, '')),
  },
  {
    what: 'treats a backslash as a slash',
    killedBy: 'does not answer another secret for the name "team\\\\victim"',
    Manager: renaming((name) => name.replaceAll('\\', '/')),
  },
  {
    what: 'replaces odd characters of a name by a dash',
    killedBy: 'finds a secret whose name has a dot',
    Manager: renaming((name) => name.replace(/[^\w/-]/g, '-')),
  },
  {
    what: 'truncates names at a hash, for a field',
    killedBy: 'finds a secret whose name has a hash',
    Manager: renaming((name) => name.split('#')[0] ?? ''),
  },
  {
    what: 'uses only the last part of a name',
    killedBy: 'finds a secret whose name has parts',
    Manager: renaming((name) => posix.basename(name)),
  },
  {
    what: 'truncates long names',
    killedBy: 'finds a secret whose name has 200 characters',
    Manager: renaming((name) => name.slice(0, 128)),
  },
  {
    what: 'returns the first secret whose name begins with the name',
    killedBy: 'whose name only begins, or ends, with the one asked for',
    Manager: class extends CorrectSecretManager {
      protected override pathOf(name: string): string {
        const path = super.pathOf(name);
        const paths = [...this.store.contents.keys()];
        return paths.find((each) => each.startsWith(`${path}_`)) ?? path;
      }
    },
  },
  {
    what: 'looks for overrides in an ordinary object',
    killedBy: 'takes constructor for an ordinary name',
    Manager: class extends CorrectSecretManager {
      readonly #overrides: Record<string, SecretAnswer> = {};

      override async readSecret(...given: [string]): Promise<SecretAnswer> {
        return this.#overrides[given[0]] ?? super.readSecret(...given);
      }
    },
  },
];
