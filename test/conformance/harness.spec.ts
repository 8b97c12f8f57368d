import {
  SecretManagerError,
  type DeleteOptions,
  type OperationOptions,
  type SecretMetadata,
} from 'nestjs-custom-secret-manager';
import {
  InMemorySecretManager,
  secretManagerConformance,
  type ConformanceCase,
  type ConformanceHarness,
} from 'nestjs-custom-secret-manager/testing';

function caseOf(harness: Partial<ConformanceHarness>, title: string): ConformanceCase {
  let manager = new InMemorySecretManager();
  const cases = secretManagerConformance({
    create: () => (manager = new InMemorySecretManager()),
    seed: (name, value) => manager.rotate(name, value),
    ...harness,
  });
  const found = cases.find((each) => each.title.startsWith(title));
  if (found === undefined) throw new Error(`There is no case "${title}".`);
  return found;
}

class Hanging extends InMemorySecretManager {
  override readSecret(): Promise<never> {
    return new Promise(() => undefined);
  }
}

/** Returns no end of the recovery window from a deletion. */
class Silent extends InMemorySecretManager {
  override async deleteSecret(secretName: string, options?: DeleteOptions): Promise<never> {
    await super.deleteSecret(secretName, options);
    return undefined as never;
  }
}

/** Returns a wrong end of the recovery window. */
class Forgetful extends InMemorySecretManager {
  override deleteSecret(secretName: string): Promise<SecretMetadata> {
    return super.deleteSecret(secretName, { recoveryWindowInDays: 30 });
  }
}

/** Turns a failed health check into an answer. */
function answering(isHealthy: boolean): typeof InMemorySecretManager {
  return class extends InMemorySecretManager {
    override checkHealth(options?: OperationOptions): Promise<boolean> {
      return super.checkHealth(options).catch(() => isHealthy);
    }
  };
}

describe('The conformance kit', () => {
  function runWith(Manager: typeof InMemorySecretManager, title: string): Promise<void> {
    let manager = new Manager();
    const harness: Partial<ConformanceHarness> = {
      create: () => (manager = new Manager()),
      seed: (name, value) => manager.rotate(name, value),
      fail: (fault) => manager.fail(fault),
    };
    return caseOf(harness, title).run();
  }

  const WINDOW = 'says rightly, or not at all, until when a deleted secret can be restored:';

  it.each([`${WINDOW} for seven days`, `${WINDOW} for as long`, 'does not say that a secret can'])(
    'accepts a deletion that returns nothing: %s',
    async (title) => {
      await expect(runWith(Silent, title)).resolves.toBeUndefined();
    },
  );

  it.each([`${WINDOW} for seven days`, `${WINDOW} for as long`, 'does not say that a secret can'])(
    'rejects a deletion that returns a wrong end: %s',
    async (title) => {
      await expect(runWith(Forgetful, title)).rejects.toThrow('the store says');
    },
  );

  it('accepts a health check that returns false when its signal aborts, but not true', async () => {
    const title = 'ends a health check that hangs when its signal aborts';

    await expect(runWith(answering(false), title)).resolves.toBeUndefined();
    await expect(runWith(answering(true), title)).rejects.toThrow('answered boolean');
  });
});

describe('A conformance harness', () => {
  it.each<[reason: string, harness: Partial<ConformanceHarness>, title: string]>([
    ['the manager declares that it lacks write', { lacks: ['write'] }, 'reads an empty value as'],
    ['the harness cannot break the store', {}, 'fails with THROTTLED'],
    [
      'the store is never throttled',
      { fail: () => undefined, faults: ['unavailable'] },
      'fails with THROTTLED',
    ],
    ['the harness cannot spoil one secret', {}, 'answers the others, and an error for'],
    ['the store takes at most 4096 bytes', { maxValueBytes: 4_096 }, 'reads 64 KiB as'],
    ['the store takes at most 4096 bytes', { maxValueBytes: 4_096 }, 'answers 64 KiB'],
    [
      'the manager declares that it lacks caseSensitiveNames',
      { lacks: ['caseSensitiveNames'] },
      'tells upper case',
    ],
    [
      'the manager declares that it lacks describing',
      { lacks: ['describing'] },
      'describes a secret',
    ],
  ])('skips a case: %s', async (reason, harness, title) => {
    const found = caseOf(harness, title);

    expect(found.skip).toBe(reason);
    await expect(found.run()).rejects.toThrow(reason);
  });

  it.each(['finds a secret whose name has parts', 'takes __proto__ for an ordinary name'])(
    'expects INVALID_ARGUMENT for a name that the store cannot have: %s',
    async (title) => {
      class Refusing extends InMemorySecretManager {
        override readSecret(): Promise<never> {
          throw new SecretManagerError('INVALID_ARGUMENT', 'It cannot be a name.');
        }
      }
      const names = { isPossible: () => false };

      const refusing = caseOf({ names, create: () => new Refusing() }, title).run();
      const answering = caseOf({ names }, title).run();

      await expect(refusing).resolves.toBeUndefined();
      await expect(answering).rejects.toThrow('answered undefined');
    },
  );

  it('runs the cases about the faults that its store supports', () => {
    const harness: Partial<ConformanceHarness> = {
      fail: () => undefined,
      faults: ['unavailable'],
    };

    expect(caseOf(harness, 'fails with UNAVAILABLE or TIMEOUT at').skip).toBeUndefined();
  });

  it('fails a case in bounded time if the manager hangs', async () => {
    const harness = { create: () => new Hanging(), caseTimeoutMs: 20 };

    const run = caseOf(harness, 'answers an ordinary value').run();

    await expect(run).rejects.toThrow('nothing came of a call within 20 ms');
  });

  it('heals and disposes of its store, even if the manager fails and does not close', async () => {
    const done: string[] = [];
    class Failing extends Hanging {
      override close(): never {
        throw new Error('It does not close.');
      }
    }
    const harness: Partial<ConformanceHarness> = {
      create: () => new Failing(),
      fail: (fault) => void done.push(`fault ${fault}`),
      dispose: () => void done.push('dispose'),
      caseTimeoutMs: 20,
    };

    const run = caseOf(harness, 'answers an ordinary value').run();

    await expect(run).rejects.toThrow('It does not close.');
    expect(done).toEqual(['fault undefined', 'dispose']);
  });
});
