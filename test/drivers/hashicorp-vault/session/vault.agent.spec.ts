import { VaultSecretManager } from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { failureOf } from '../../../support/failure-of';
import { FakeVault, type FakeAnswer } from '../../../support/fake-vault';

const DENIED: FakeAnswer = {
  status: 403,
  body: { errors: ['1 error occurred:\n\t* permission denied\n\n'] },
};
const NO_TOKEN: FakeAnswer = { status: 403, body: { errors: ['permission denied'] } };
const MISSING: FakeAnswer = { status: 400, body: { errors: ['missing client token'] } };
const KEY = '/v1/secret/data/KEY';

describe('the manager for Vault beside an agent', () => {
  let agent: FakeVault;
  let manager: VaultSecretManager;

  beforeEach(async () => {
    agent = await new FakeVault().start();
    manager = new VaultSecretManager({ address: agent.address, auth: { method: 'none' } });
  });

  afterEach(async () => {
    await manager.close();
    await agent.stop();
  });

  it('neither logs in, nor sends or revokes a token', async () => {
    agent.keep('KEY', { value: 'v' });
    agent.on(`POST ${KEY}`, { body: { data: { version: 2 } } });

    manager.validateEnvironment();
    const reading = await manager.readSecret('KEY');
    await manager.writeSecret('KEY', 'new');
    await manager.close();

    expect(reading?.value).toBe('v');
    expect(agent.asked).toEqual([`GET ${KEY}`, `POST ${KEY}`]);
    for (const { headers } of agent.requests) {
      expect(headers).not.toHaveProperty('x-vault-token');
      expect(headers).toHaveProperty('x-vault-request');
    }
  });

  it('reads KV 1 with an empty field, and credentials with their lease, which it revokes', async () => {
    agent.on('GET /v1/kv/A', { body: { data: { value: '', other: 'x' } } });
    agent.on('GET /v1/database/creds/app', {
      body: { lease_id: 'l/1', lease_duration: 60, renewable: true, data: { password: 'p' } },
    });
    agent.on('PUT /v1/sys/leases/renew', { body: { lease_duration: 60 } });
    const params = { mount: 'database', kvVersion: 'none' };

    const empty = await manager.readSecret('A', { params: { mount: 'kv', kvVersion: 1 } });
    const readings = [
      await manager.readSecret('creds/app', { params }),
      await manager.readSecret('creds/app', { params }),
    ];
    await manager.close();

    expect(empty?.value).toBe('');
    expect(readings.map((reading) => reading?.value)).toEqual(['p', 'p']);
    expect(agent.asked.filter((request) => request.includes('creds'))).toHaveLength(1);
    expect(agent.asked).toContain('PUT /v1/sys/leases/revoke');
  });

  it.each<[string, FakeAnswer, string, RegExp]>([
    ['a token that may not', DENIED, 'ACCESS_DENIED', /auth\.method is none.*auto_auth/],
    ['no token', NO_TOKEN, 'UNAUTHENTICATED', /auth\.method is none.*auto_auth/],
    ['no token, at an older server', MISSING, 'UNAUTHENTICATED', /had no token.*agent/],
  ])('explains a denial by the agent: %s', async (_, answer, code, message) => {
    agent.on(`GET ${KEY}`, answer);

    const failures = [
      await failureOf(manager.readSecret('KEY')),
      await failureOf(manager.readSecret('KEY')),
    ];

    expect(failures.map((failure) => failure.code)).toEqual([code, code]);
    expect(failures[0]?.message).toMatch(message);
    expect(agent.asked).toEqual([`GET ${KEY}`, `GET ${KEY}`]);
  });

  it('is healthy if the agent adds its token', async () => {
    agent.on('GET /v1/sys/health', { body: { initialized: true, sealed: false } });
    agent.on('GET /v1/auth/token/lookup-self', DENIED);
    const isHealthy = await manager.checkHealth();
    agent.on('GET /v1/auth/token/lookup-self', NO_TOKEN);

    const failure = await failureOf(manager.checkHealth());

    expect([isHealthy, failure.code]).toEqual([true, 'UNAUTHENTICATED']);
  });
});
