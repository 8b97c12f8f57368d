import { ConjurSecretManager } from 'nestjs-custom-secret-manager/drivers/cyberark-conjur';
import {
  secretManagerConformance,
  type ConformanceHarness,
} from 'nestjs-custom-secret-manager/testing';
import { FakeConjur } from '../../support/fake-conjur';
import { wrapped } from '../../support/wrapped';

const conjur = new FakeConjur();

beforeAll(() => conjur.start());
afterAll(() => conjur.stop());

const bare: ConformanceHarness = {
  create: () => {
    conjur.reset();
    const { address, account, login, apiKey } = conjur;
    const auth = { method: 'api-key', login, apiKey } as const;
    return new ConjurSecretManager({ address, account, auth, policyBranch: 'root' });
  },
  seed: (name, value) => conjur.keep(name, value),
  fail: (fault) => void (conjur.fault = fault),
  spoil: (name) => void conjur.denied.add(name),
  lacks: ['sync', 'delete', 'recovery', 'createOnly', 'versions', 'describing', 'emptyValues'],
  canaries: ['canary-'],
};

describe.each([
  ['Conjur', bare],
  ['Conjur, with every policy', wrapped(bare)],
])('the manager for %s', (_, harness) => {
  const cases = secretManagerConformance(harness).filter(({ skip }) => skip === undefined);

  it.each(cases)('$title', async (conformanceCase) => {
    const run = conformanceCase.run();

    await expect(run).resolves.toBeUndefined();
  });
});
