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
  ])('is spared a case: %s', async (reason, harness, title) => {
    const found = caseOf(harness, title);

    expect(found.skip).toBe(reason);
    await expect(found.run()).rejects.toThrow(reason);
  });

  it('keeps the cases about the faults that its store can have', () => {
    const harness: Partial<ConformanceHarness> = {
      fail: () => undefined,
      faults: ['unavailable'],
    };

    expect(caseOf(harness, 'fails with UNAVAILABLE or TIMEOUT at').skip).toBeUndefined();
  });

  it('has a case fail, and end, where the manager hangs', async () => {
    const harness = { create: () => new Hanging(), caseTimeoutMs: 20 };

    const run = caseOf(harness, 'answers an ordinary value').run();

    await expect(run).rejects.toThrow('nothing came of a call within 20 ms');
  });

  it('heals its store and disposes of it, also where the manager fails and does not close', async () => {
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
