import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { leaks } from '../support/failure-of';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';
import { startOpenBao, type OpenBao } from './support/openbao';
import { SampleProcess } from './support/sample-process';

const AN_INSTANT_MS = 3_000;
const READINESS_MS = 2_000; // how long /health waits for the store
const KEEP_ALIVE_MS = 5_000; // how long Node keeps a connection that was busy when its server closed

describe('the sample application as a process', () => {
  let bao: OpenBao;
  const processes: SampleProcess[] = [];

  beforeEach(async () => {
    bao = await startOpenBao();
  });

  afterEach(async () => {
    for (const sample of processes) sample.kill('SIGKILL');
    await Promise.all(processes.splice(0).map((sample) => sample.ends()));
    await bao.stop();
    removeTemporaryFolders();
  });

  const run = (environment?: Readonly<Record<string, string>>): SampleProcess => {
    const sample = new SampleProcess(environment);
    processes.push(sample);
    return sample;
  };

  const runOnBao = (): SampleProcess =>
    run({ STORE_ADDR: bao.address, STORE_TOKEN: bao.rootToken });

  it('needs neither a store nor any configuration', async () => {
    const sample = await run().listens();

    const answer = await sample.request('/sign/hello');

    expect(answer.status).toBe(200);
    expect(sample.output).toContain(`curl ${sample.url}/sign/hello`);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'finds again what was written before %s, and tells where the key is, but not the key',
    async (signal) => {
      const environment = { DATA_DIR: join(temporaryFolder(), 'made/at/start') };
      const before = await run(environment).listens();
      const signed: unknown = await (await before.request('/sign/hello')).json();
      await before.request('/secrets/API_KEY', 'PUT', { value: 'canary-of-the-value' });
      before.kill(signal);
      await before.ends();

      const after = await run(environment).listens();
      const found = await after.request('/secrets/API_KEY');
      const signedAgain: unknown = await (await after.request('/sign/hello')).json();

      const keyFile = join(environment.DATA_DIR, 'secrets.key');
      const output = before.output + after.output;
      expect(found.status).toBe(200);
      expect(signedAgain).toEqual(signed);
      expect(output).toContain(keyFile);
      expect(leaks(output, readFileSync(keyFile, 'utf8').trim())).toBe(false);
      expect(leaks(output, 'canary-of-the-value')).toBe(false);
      expect(readdirSync(environment.DATA_DIR)).toEqual(['secrets', 'secrets.key']);
    },
  );

  it('signs with a secret of a real store, and with the next one after a rotation', async () => {
    const signatureWith = (key: unknown) =>
      createHmac('sha256', String(key)).update('hello').digest('hex');
    await bao.put('SIGNING_KEY', 'first key');
    const sample = await runOnBao().listens();

    const before: unknown = await (await sample.request('/sign/hello')).json();
    await sample.request('/secrets/SIGNING_KEY/rotate', 'POST');
    const after: unknown = await (await sample.request('/sign/hello')).json();

    const rotated = await bao.valueOf('SIGNING_KEY');
    expect(rotated).not.toBe('first key');
    expect(before).toMatchObject({ signature: signatureWith('first key') });
    expect(after).toMatchObject({ signature: signatureWith(rotated) });
  });

  it('takes address and token from the variables that other tools of the store use, too', async () => {
    await bao.put('SIGNING_KEY', 'key');

    const sample = await run({ VAULT_ADDR: bao.address, VAULT_TOKEN: bao.rootToken }).listens();

    expect(sample.output).toContain('team-store');
  });

  it('does not start without its secret, and says which one it is', async () => {
    const sample = runOnBao();

    const code = await sample.ends();

    expect(code).toBe(1);
    expect(sample.output).toContain('The secret "SIGNING_KEY" was not found');
    expect(leaks(sample.output, bao.rootToken)).toBe(false);
  });

  it.each([
    ['STORE_ADDR', { STORE_TOKEN: 'token' }],
    ['STORE_ADDR', { STORE_TOKEN: 'token', STORE_ADDR: 'vault.example' }],
    ['STORE_ADDR', { STORE_TOKEN: 'token', STORE_ADDR: 'http://user:password@vault.example' }],
    ['STORE_TOKEN', { STORE_ADDR: 'http://127.0.0.1:8200' }],
    ['STORE_TOKEN', { STORE_ADDR: 'http://127.0.0.1:8200', STORE_TOKEN: 'password\n' }],
  ])('asks for %s if it is given %j', async (name, environment) => {
    const sample = run(environment);

    const code = await sample.ends();

    expect(code).toBe(1);
    expect(sample.output).toContain(`${name} must be set to`);
    expect(sample.output).not.toContain('password');
  });

  it('says that its port is in use, and ends', async () => {
    const environment = { DATA_DIR: temporaryFolder() };
    const first = await run(environment).listens();

    const second = run({ ...environment, PORT: new URL(first.url).port });
    const code = await second.ends();

    expect(code).toBe(1);
    expect(second.output).toContain('is in use. Choose another: PORT=3001 npm start');
  });

  it('says that its port is none, and ends', async () => {
    const sample = run({ DATA_DIR: temporaryFolder(), PORT: 'http' });

    const code = await sample.ends();

    expect(code).toBe(1);
    expect(sample.output).toContain('Cannot listen on 127.0.0.1, port http');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends in order, and at once, on %s', async (signal) => {
    await bao.put('SIGNING_KEY', 'key');
    const sample = await runOnBao().listens();
    await sample.request('/health'); // leaves connections open, to it and to the store

    const startedAt = Date.now();
    sample.kill(signal);
    const code = await sample.ends();

    expect(code).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(AN_INSTANT_MS);
  });

  it('answers what is under way before it ends, also if the store does not answer', async () => {
    await bao.put('SIGNING_KEY', 'key');
    const sample = await runOnBao().listens();
    await bao.freeze();
    const health = sample.request('/health');
    await sample.request('/health/live'); // which arrives after it

    const startedAt = Date.now();
    sample.kill('SIGTERM');
    const code = await sample.ends();
    const answer = await health;

    expect(code).toBe(0);
    expect(answer.status).toBe(503);
    expect(Date.now() - startedAt).toBeLessThan(READINESS_MS + KEEP_ALIVE_MS + AN_INSTANT_MS);
  });

  it('prints and answers neither a token nor a value, whatever happens', async () => {
    const values = [`value-${randomUUID()}`, `value-${randomUUID()}`];
    const [first = '', second = ''] = values;
    await bao.put('SIGNING_KEY', first);
    await bao.expect('POST', 'secret/data/OTHER_FORM', { data: { password: second } });
    const sample = await runOnBao().listens();
    const texts: string[] = [];
    const ask = async (...request: Parameters<SampleProcess['request']>): Promise<void> => {
      texts.push(await (await sample.request(...request)).text());
    };
    const askForEverything = async (): Promise<void> => {
      await ask('/');
      await ask('/sign/hello');
      await ask('/secrets/NEW', 'PUT', { value: second });
      await ask('/secrets/NEW');
      await ask('/secrets/OTHER_FORM');
      await ask('/secrets/NEW/rotate', 'POST');
      await ask('/secrets');
      await ask('/health');
      await ask('/secrets/NEW', 'DELETE');
    };

    await askForEverything();
    await bao.expect('POST', 'sys/seal');
    await askForEverything();
    await bao.stop();
    await askForEverything();
    sample.kill('SIGTERM');
    await sample.ends();

    const everything = [sample.output, ...texts].join('\n');
    expect(everything).toContain('UNAVAILABLE');
    expect([...values, bao.rootToken].filter((canary) => leaks(everything, canary))).toEqual([]);
  });
});
