import { EnvironmentSecretManager } from 'nestjs-custom-secret-manager/drivers/environment';
import {
  InMemorySecretManager,
  secretManagerConformance,
  type ConformanceHarness,
} from 'nestjs-custom-secret-manager/testing';
import { wrapped } from '../support/wrapped';

function inMemory(): ConformanceHarness {
  let manager = new InMemorySecretManager();
  return {
    create: () => (manager = new InMemorySecretManager()),
    seed: (name, value) => manager.rotate(name, value),
    fail: (fault) => manager.fail(fault),
    spoil: (secretName) => manager.fail('denied', { secretName }),
  };
}

function environment(): ConformanceHarness {
  let variables: Record<string, string> = {};
  return {
    create: () => {
      variables = Object.create(null) as Record<string, string>;
      return new EnvironmentSecretManager({ prefix: 'APP_', environment: variables });
    },
    seed: (name, value) => {
      variables[`APP_${name}`] = value;
    },
    lacks: ['write', 'delete', 'recovery', 'createOnly', 'versions', 'health'],
  };
}

describe.each([
  ['in memory', inMemory()],
  ['in memory, with every policy', wrapped(inMemory())],
  ['of the environment', environment()],
  ['of the environment, with every policy', wrapped(environment())],
])('A secret manager %s', (_, harness) => {
  for (const each of secretManagerConformance(harness)) {
    const { title, skip } = each;
    if (skip === undefined) {
      it(`${title}`, async () => {
        await expect(each.run()).resolves.toBeUndefined();
      });
    } else {
      it(`${title} (does not apply: ${skip})`, async () => {
        await expect(each.run()).rejects.toThrow(skip);
      });
    }
  }
});

describe('The conformance kit', () => {
  it('has a sentence of its own for each of at least 80 cases', () => {
    const titles = secretManagerConformance(inMemory()).map(({ title }) => title);

    expect(new Set(titles).size).toBe(titles.length);
    expect(titles.length).toBeGreaterThanOrEqual(80);
  });
});
