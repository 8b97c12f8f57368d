import { AzureKeyVaultSecretManager } from 'nestjs-custom-secret-manager/drivers/azure-key-vault';
import {
  secretManagerConformance,
  type ConformanceHarness,
} from 'nestjs-custom-secret-manager/testing';
import { CANARY_OF_A_DENIAL } from '../support/fake-azure-key-vault';
import { CLIENT_ID, CLIENT_SECRET, TENANT } from '../support/fake-azure-logins';
import { OutsideAzureKeyVault } from '../support/outside-azure-key-vault';
import { wrapped } from '../support/wrapped';

/** The times are short, and in the order of the real ones. */
const TIMES = { deletionMs: 60, recoveryMs: 60, recoveredMs: 60 };

const storedName = (name: string): string => name.replace(/[_/.]/g, '-');

describe('the manager for Azure Key Vault, on a fake,', () => {
  const outside = new OutsideAzureKeyVault(TIMES);
  /** The names that were seeded, by their name in the vault. Two of one place cannot both be there. */
  const seeded = new Map<string, string>();

  beforeAll(() => outside.start());
  afterAll(() => outside.stop());

  const harness: ConformanceHarness = {
    caseTimeoutMs: 15_000, // for a machine that is busy with other work
    create: async () => {
      seeded.clear();
      await outside.call('reset');
      return new AzureKeyVaultSecretManager({
        vaultUrl: outside.url,
        trustedHosts: [outside.host],
        authorityHost: outside.url,
        mapName: 'dashes',
        auth: {
          method: 'client-secret',
          tenantId: TENANT,
          clientId: CLIENT_ID,
          clientSecret: CLIENT_SECRET,
        },
      });
    },
    seed: async (name, value) => {
      const stored = storedName(name);
      const other = seeded.get(stored.toLowerCase()) ?? name;
      if (other !== name) throw new Error('another secret is there');
      await outside.call('seed', stored, value, { tags: { name } });
      seeded.set(stored.toLowerCase(), name);
    },
    fail: (fault) => outside.call('fail', fault),
    spoil: (name) => outside.call('enable', storedName(name), false),
    names: { isPossible: (name) => /^[0-9A-Za-z-]{1,127}$/.test(storedName(name)) },
    maxValueBytes: 25 * 1024,
    canaries: [CLIENT_SECRET, 'canary-access-token', CANARY_OF_A_DENIAL],
    // the vault sets the recovery window, and has no condition for a write
    lacks: ['recovery', 'createOnly', 'caseSensitiveNames'],
  };

  describe.each([
    ['bare', harness],
    ['in the pipeline', wrapped(harness)],
  ])('%s', (_, subject) => {
    const cases = secretManagerConformance(subject).filter(({ skip }) => skip === undefined);

    it.each(cases)('$title', async (conformanceCase) => {
      await expect(conformanceCase.run()).resolves.toBeUndefined();
    });
  });
});
