import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { firstSteps } from '../../sample-app/src/first-steps';
import { leaks } from '../support/failure-of';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';
import { startOpenBao, type OpenBao } from './support/openbao';
import { SampleProcess } from './support/sample-process';

const AN_INSTANT_MS = 3_000;
const READINESS_MS = 2_000; // the timeout of /health for the store
const KEEP_ALIVE_MS = 5_000; // the time for which Node keeps a busy connection after its server has closed

describe('the gateway as a process', () => {
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

  it('needs neither a store nor configuration for a first completion', async () => {
    const environment = { DATA_DIR: temporaryFolder() };
    const sample = await run(environment).listens();
    const steps = firstSteps(sample.url);

    const printed = await sample.shell(steps);

    const [, completion = ''] = printed.split(/(?<=\])\}(?=\{)/);
    expect(sample.output).toContain(steps);
    expect(steps.match(/^(?:KEY=\$\()?curl /gm)).toHaveLength(3);
    expect(JSON.parse(completion)).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant', content: 'Hello' } }],
    });
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'accepts its keys after %s, and logs the path of the key file, but no key',
    async (signal) => {
      const environment = { DATA_DIR: join(temporaryFolder(), 'made/at/start') };
      const before = await run(environment).listens();
      const masterKey = await before.masterKey();
      const key = await before.generate(masterKey);
      before.kill(signal);
      await before.ends();

      const after = await run(environment).listens();
      const answer = await after.request('/v1/models', 'GET', undefined, key);

      const keyFile = join(environment.DATA_DIR, 'secrets.key');
      const output = before.output + after.output;
      const keys = [readFileSync(keyFile, 'utf8').trim(), masterKey.slice(3), key.slice(3)];
      expect(answer.status).toBe(200);
      expect(await after.masterKey()).toBe(masterKey);
      expect(output).toContain(keyFile);
      expect(keys.filter((canary) => leaks(output, canary))).toEqual([]);
      expect(readdirSync(environment.DATA_DIR)).toEqual(['secrets', 'secrets-lock', 'secrets.key']);
    },
  );

  it('does not start without its secret, and names it', async () => {
    const sample = runOnBao();

    const code = await sample.ends();

    expect(code).toBe(1);
    expect(sample.output).toContain('The secret "MASTER_KEY" was not found');
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

  it('reports a port in use, and exits', async () => {
    const environment = { DATA_DIR: temporaryFolder() };
    const first = await run(environment).listens();

    const second = run({ ...environment, PORT: new URL(first.url).port });
    const code = await second.ends();

    expect(code).toBe(1);
    expect(second.output).toContain('is in use. Choose another: PORT=3001 npm start');
  });

  it('reports an invalid port, and exits', async () => {
    const sample = run({ DATA_DIR: temporaryFolder(), PORT: 'http' });

    const code = await sample.ends();

    expect(code).toBe(1);
    expect(sample.output).toContain('Cannot listen on 127.0.0.1, port http');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('exits cleanly and at once on %s', async (signal) => {
    await bao.put('MASTER_KEY', 'sk-key');
    const sample = await runOnBao().listens();
    await sample.request('/health'); // keeps connections open, to the gateway and to the store

    const startedAt = Date.now();
    sample.kill(signal);
    const code = await sample.ends();

    expect(code).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(AN_INSTANT_MS);
  });

  it('answers requests in flight before it exits, even if the store does not answer', async () => {
    await bao.put('MASTER_KEY', 'sk-key');
    const sample = await runOnBao().listens();
    await bao.freeze();
    const health = sample.request('/health');
    await sample.request('/health/live'); // arrives after the other request, which is therefore in flight

    const startedAt = Date.now();
    sample.kill('SIGTERM');
    const code = await sample.ends();
    const answer = await health;

    expect(code).toBe(0);
    expect(answer.status).toBe(503);
    expect(Date.now() - startedAt).toBeLessThan(READINESS_MS + KEEP_ALIVE_MS + AN_INSTANT_MS);
  });

  it('logs and returns neither a token nor a key', async () => {
    const masterKey = `sk-${randomUUID()}`;
    const chosen = `sk-${randomUUID()}`;
    await bao.put('MASTER_KEY', masterKey);
    await bao.expect('POST', 'secret/data/litellm/other-form', { data: { password: chosen } });
    const sample = await runOnBao().listens();
    const texts: string[] = [];
    const ask = async (path: string, method = 'GET', content?: object): Promise<void> => {
      texts.push(await (await sample.request(path, method, content, masterKey)).text());
    };
    const askForEverything = async (): Promise<void> => {
      await ask('/');
      await ask('/v1/models');
      await ask('/v1/chat/completions', 'POST', { model: 'echo' });
      await ask('/key/generate', 'POST', { key_alias: 'other-form' });
      await ask(`/key/info?key=${chosen}`);
      await ask('/health');
      await ask('/key/delete', 'POST', { keys: [chosen], key_aliases: ['other-form'] });
    };

    await sample.generate(masterKey, { key: chosen });
    await askForEverything();
    await sample.generate(masterKey, { key: chosen });
    await bao.expect('POST', 'sys/seal');
    await askForEverything();
    await bao.stop();
    await askForEverything();
    sample.kill('SIGTERM');
    await sample.ends();

    const everything = [sample.output, ...texts].join('\n');
    const canaries = [masterKey.slice(3), chosen.slice(3), bao.rootToken];
    expect(everything).toContain('not available now');
    expect(canaries.filter((canary) => leaks(everything, canary))).toEqual([]);
  });
});
