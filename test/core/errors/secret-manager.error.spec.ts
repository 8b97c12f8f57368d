import type * as Library from 'nestjs-custom-secret-manager';
import {
  CustomSecretManager,
  SECRET_MANAGER_ERROR_CODES,
  SecretManagerError,
  isSecretManagerError,
  type SecretManagerErrorCode,
} from 'nestjs-custom-secret-manager';
import { isCustomSecretManager } from '../../../lib/core/contract/custom-secret-manager';
import { translateError } from '../../../lib/core/errors/error-table';
import { everythingOf, leaks } from '../../support/failure-of';
import { CANARY } from './thrown';

const context = { manager: 'team', operation: 'readSecret', secretName: 'KEY' };

/** Loads the library a second time, as another copy of the package. */
function secondCopy(): typeof Library {
  let copy: typeof Library | undefined;
  jest.isolateModules(() => {
    copy = jest.requireActual<typeof Library>('nestjs-custom-secret-manager');
  });
  if (copy === undefined) throw new Error('not loaded');
  return copy;
}

describe('SecretManagerError', () => {
  it('has a closed list of codes', () => {
    expect(SECRET_MANAGER_ERROR_CODES).toEqual([
      'NOT_FOUND',
      'ACCESS_DENIED',
      'UNAUTHENTICATED',
      'THROTTLED',
      'UNAVAILABLE',
      'TIMEOUT',
      'CANCELLED',
      'MALFORMED',
      'INVALID_ARGUMENT',
      'CONFLICT',
      'NOT_PERMITTED',
      'UNSUPPORTED',
      'MISCONFIGURED',
      'ROTATION_INCOMPLETE',
      'UNKNOWN',
    ]);
  });

  it.each(SECRET_MANAGER_ERROR_CODES)('with %s has the right `retryable`', (code) => {
    const error = new SecretManagerError(code, 'text');

    expect(error).toMatchObject({ name: 'SecretManagerError', code, message: 'text' });
    expect(error.retryable).toBe(['TIMEOUT', 'UNAVAILABLE', 'THROTTLED'].includes(code));
    expect(error).toBeInstanceOf(Error);
  });

  it('replaces an invalid code by UNKNOWN', () => {
    const codes = ['BROKEN', '', 'toString', undefined].map(
      (code) => new SecretManagerError(code as SecretManagerErrorCode, 'text').code,
    );

    expect(new Set(codes)).toEqual(new Set(['UNKNOWN']));
  });

  it('has only the properties that it was given', () => {
    const error = new SecretManagerError('TIMEOUT', 'text', { manager: 'team', retryAfterMs: 0 });

    expect(error).toMatchObject({ manager: 'team', retryAfterMs: 0 });
    expect(Object.keys(error).sort()).toEqual(['code', 'manager', 'retryAfterMs', 'retryable']);
  });

  it('is recognised by its brand alone', () => {
    const { SecretManagerError: Other } = secondCopy();
    class Derived extends SecretManagerError {}

    expect(Other).not.toBe(SecretManagerError);
    expect(isSecretManagerError(new Other('TIMEOUT', 'text'))).toBe(true);
    expect(isSecretManagerError(new Derived('TIMEOUT', 'text'))).toBe(true);
    expect(
      [new Error('x'), null, undefined, 'TIMEOUT', { code: 'TIMEOUT' }].some(isSecretManagerError),
    ).toBe(false);
  });

  it('of another copy of the package is converted to one of this copy', () => {
    const { SecretManagerError: Other } = secondCopy();
    const thrown = new Other('THROTTLED', 'slow down', { retryAfterMs: 500 });

    const error = translateError(thrown, context);

    expect(error).toBeInstanceOf(SecretManagerError);
    expect(error).toMatchObject({
      code: 'THROTTLED',
      message: 'slow down',
      retryAfterMs: 500,
      ...context,
    });
  });
});

describe('a SecretManagerError of an author', () => {
  it('keeps its text, and gets the missing fields', () => {
    const error = translateError(
      new SecretManagerError('ACCESS_DENIED', 'Ask the platform team.'),
      context,
    );

    expect(error).toMatchObject({
      code: 'ACCESS_DENIED',
      message: 'Ask the platform team.',
      ...context,
    });
  });

  it('keeps its own fields', () => {
    const own = { manager: 'inner', operation: 'login', secretName: 'OTHER', retryAfterMs: 9 };

    const error = translateError(new SecretManagerError('UNAVAILABLE', 'text', own), context);

    expect(error).toMatchObject(own);
  });

  it('may be frozen', () => {
    const thrown = Object.freeze(new SecretManagerError('CONFLICT', 'text'));

    const error = translateError(thrown, context);

    expect(error).not.toBe(thrown);
    expect(error).toMatchObject({ code: 'CONFLICT', ...context });
  });

  it('loses its cause and every unknown field', () => {
    const thrown = Object.assign(new SecretManagerError('CONFLICT', 'text'), {
      cause: new Error(CANARY),
      response: { body: CANARY },
    });

    const error = translateError(thrown, context);

    expect(leaks(everythingOf(error), CANARY)).toBe(false);
  });

  it.each(['message', 'code', 'secretName', 'done'])(
    'with a getter of %s that throws does not break the translation',
    (field) => {
      const thrown = Object.defineProperty(new SecretManagerError('CONFLICT', 'text'), field, {
        get: () => {
          throw new Error(CANARY);
        },
      });

      const error = translateError(thrown, context);

      expect(error).toMatchObject({ name: 'SecretManagerError', manager: 'team' });
      expect(leaks(everythingOf(error), CANARY)).toBe(false);
    },
  );
});

describe('CustomSecretManager', () => {
  class Team extends CustomSecretManager {
    override async readSecret(): Promise<undefined> {
      return undefined;
    }
  }

  it('is recognised by its brand across copies of the package', () => {
    const { CustomSecretManager: Other } = secondCopy();
    class OfOther extends Other {
      override async readSecret(): Promise<undefined> {
        return undefined;
      }
    }

    expect(new OfOther()).not.toBeInstanceOf(CustomSecretManager);
    expect([new OfOther(), new Team()].every(isCustomSecretManager)).toBe(true);
    expect([{}, null, { readSecret: () => undefined }, Team].some(isCustomSecretManager)).toBe(
      false,
    );
  });

  it('has the name of its class by default', () => {
    class Named extends Team {
      constructor() {
        super('vault of the team');
      }
    }

    expect([new Team().secretManagerName, new Named().secretManagerName]).toEqual([
      'Team',
      'vault of the team',
    ]);
  });

  it('has defaults for the methods that an author leaves out', async () => {
    const team = new Team();

    expect([await team.describeSecret('KEY'), await team.checkHealth()]).toEqual([{}, true]);
    expect([team.validateEnvironment(), team.close()]).toEqual([undefined, undefined]);
    await expect(team.writeSecret('KEY', CANARY)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      operation: 'writeSecret',
    });
    await expect(team.deleteSecret('KEY')).rejects.toMatchObject({
      message: expect.stringContaining('deleteSecret()'),
    });
    expect(() => team.readSecretSync('KEY')).toThrow(
      /Override readSecretSync\(\), or read the name ahead with `preload`/,
    );
  });

  it('reads a batch one by one, sixteen at a time', async () => {
    let running = 0;
    let most = 0;
    class Counting extends CustomSecretManager {
      override async readSecret(name: string): Promise<string> {
        most = Math.max(most, ++running);
        await new Promise(setImmediate);
        running -= 1;
        if (name === 'N3') throw new Error('three');
        // eslint-disable-next-line @typescript-eslint/only-throw-error
        if (name === 'N4') throw 'four';
        return name;
      }
    }
    const names = Array.from({ length: 40 }, (_, index) => `N${index}`);

    const answers = await new Counting().readSecrets([...names, 'N0']);

    expect(most).toBe(16);
    expect(answers.size).toBe(40);
    expect(answers.get('N39')).toBe('N39');
    expect([answers.get('N3'), answers.get('N4')]).toEqual([expect.any(Error), expect.any(Error)]);
  });
});
