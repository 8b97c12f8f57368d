import { everythingOf, failureOf, leaks } from '../../support/failure-of';
import { CANARY_OF_A_DENIAL, type VaultFault } from '../../support/fake-azure-key-vault';
import { CLIENT_SECRET } from '../../support/fake-azure-logins';
import { Fixture } from './fixture';

const VALUE = 'value-canary-6c0d9e42';
const NEW_VALUE = 'other-canary-b7715f08';
const CANARIES = [VALUE, NEW_VALUE, CLIENT_SECRET, CANARY_OF_A_DENIAL, 'canary-of-a-body'];

const FAULTS: readonly (readonly [VaultFault, code: string])[] = [
  ['unavailable', 'UNAVAILABLE'],
  ['denied', 'ACCESS_DENIED'],
  ['unauthenticated', 'UNAUTHENTICATED'],
  ['throttled', 'THROTTLED'],
  ['malformed', 'MALFORMED'],
  ['hanging', 'TIMEOUT'],
  ['slow', 'TIMEOUT'],
];

describe('the failures of the manager for Azure Key Vault', () => {
  let fixture: Fixture;
  let output: string[];

  beforeEach(async () => {
    output = [];
    const keep = (...said: unknown[]): boolean => said.every((one) => output.push(String(one)) > 0);
    for (const stream of [process.stdout, process.stderr]) {
      jest.spyOn(stream, 'write').mockImplementation((chunk) => keep(chunk));
    }
    jest.spyOn(process, 'emitWarning').mockImplementation((...said) => void keep(...said));
    fixture = await new Fixture({ retryAfter: '3' }).start();
    fixture.fake.seed('API-KEY', VALUE, { tags: { team: 'a' } });
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await fixture.close();
  });

  it.each(FAULTS)('show nothing secret if the vault is %s', async (fault, code) => {
    const manager = fixture.translated();
    await manager.readSecret('API-KEY');
    fixture.fake.fail(fault);
    const options = { timeoutMs: code === 'TIMEOUT' ? 150 : 5_000 };

    const failures = [
      await failureOf(manager.readSecret('API-KEY', options)),
      await failureOf(manager.describeSecret('API-KEY', options)),
      await failureOf(manager.writeSecret('API-KEY', NEW_VALUE, options)),
      await failureOf(manager.deleteSecret('API-KEY', { ...options, recoveryWindowInDays: 7 })),
    ];

    const shown = [...failures.map(everythingOf), ...output, everythingOf(manager)].join('\n');
    expect(failures.map((failed) => failed.code)).toEqual([code, code, code, code]);
    expect(CANARIES.filter((canary) => leaks(shown, canary))).toEqual([]);
    expect(shown).not.toMatch(/canary-access-token-\d/);
    expect(fixture.fake.current('API-KEY')?.value).toBe(VALUE);
  });

  it('show nothing secret of a value that the vault refuses', async () => {
    const failed = await failureOf(fixture.manager().writeSecret('A', NEW_VALUE.repeat(2_000)));

    expect(leaks(everythingOf(failed), NEW_VALUE)).toBe(false);
  });
});
