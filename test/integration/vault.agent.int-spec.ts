import { closeApplications } from '../support/application';
import { failureOf } from '../support/failure-of';
import { Agent } from './support/agent';
import { startOpenBao, type OpenBao } from './support/openbao';
import { closeVaults, startVaultApp, vaultOn } from './support/vault';

describe('an OpenBao behind its agent', () => {
  let bao: OpenBao;
  let agent: Agent;
  const auth = { method: 'none' } as const;

  beforeAll(async () => {
    bao = await startOpenBao();
    await bao.put('KEY', 'value');
    const token = await bao.tokenFor({
      'secret/data/KEY': ['read', 'create', 'update'],
      'auth/token/lookup-self': ['read'],
    });
    agent = await new Agent().start(bao, token);
  });

  afterEach(() => Promise.all([closeApplications(), closeVaults()]));

  afterAll(async () => {
    await agent.stop();
    await bao.stop();
  });

  it('reads, writes and is healthy without a login', async () => {
    const { secrets } = await startVaultApp(bao, { address: agent.address, auth });

    const values = [await secrets.get('KEY'), secrets.getSync('KEY')];
    await secrets.set('KEY', 'new');

    expect(values).toEqual(['value', 'value']);
    await expect(secrets.get('KEY', { maxAgeMs: 0 })).resolves.toBe('new');
    await expect(secrets.checkHealth()).resolves.toBe(true);
    await expect(bao.valueOf('KEY')).resolves.toBe('new');
  });

  it("reports that a denied token is the agent's", async () => {
    const vault = vaultOn(bao, { address: agent.address, auth });

    const failure = await failureOf(vault.readSecret('DENIED'));

    expect(failure.code).toBe('ACCESS_DENIED');
    expect(failure.message).toMatch(/auth\.method is none.*auto_auth/);
  });

  it('denies requests without a token and an agent, and is not healthy', async () => {
    const vault = vaultOn(bao, { auth });

    const failures = [
      await failureOf(vault.readSecret('KEY')),
      await failureOf(vault.checkHealth()),
    ];

    expect(failures.map(({ code }) => code)).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
  });
});
