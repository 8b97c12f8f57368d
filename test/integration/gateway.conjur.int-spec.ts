import { randomUUID } from 'node:crypto';
import { FakeConjur } from '../support/fake-conjur';
import { hello } from '../support/gateway';
import { SampleProcess } from './support/sample-process';

describe('the gateway on cyberark-conjur', () => {
  const masterKey = `sk-${randomUUID()}`;
  const conjur = new FakeConjur();
  let gateway: SampleProcess;

  beforeAll(async () => {
    await conjur.start();
    conjur.keep('MASTER_KEY', masterKey);
    gateway = await new SampleProcess({
      SECRET_STORE: 'cyberark-conjur',
      CONJUR_APPLIANCE_URL: conjur.address,
      CONJUR_ACCOUNT: conjur.account,
      CONJUR_AUTHN_LOGIN: conjur.login,
      CONJUR_AUTHN_API_KEY: conjur.apiKey,
    }).listens();
  });

  afterAll(async () => {
    gateway.kill('SIGKILL');
    await gateway.ends();
    await conjur.stop();
  });

  it('issues a key as a variable that it declares, and serves its caller', async () => {
    const key = await gateway.generate(masterKey, { key_alias: 'laptop' });

    const { status } = await gateway.request('/v1/chat/completions', 'POST', hello('echo'), key);

    expect(status).toBe(200);
    expect([...conjur.variables.keys()]).toContain('litellm/laptop');
  });

  it('cannot delete a key, because policy alone deletes a variable', async () => {
    await gateway.generate(masterKey, { key_alias: 'tower' });

    const deletion = await gateway.request(
      '/key/delete',
      'POST',
      { key_aliases: ['tower'] },
      masterKey,
    );

    expect(deletion.status).toBe(501);
    expect(gateway.output).not.toMatch(/canary-/);
  });
});
