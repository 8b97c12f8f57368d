import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { leaks } from '../support/failure-of';
import { modelEntry, modelsFile } from '../support/gateway';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';
import { eventually } from './support/eventually';
import { freePort } from './support/free-port';
import { SampleProcess } from './support/sample-process';

const ROOT = join(__dirname, '../..');
const SCRIPT = readFileSync(join(ROOT, 'sample-app/rotation.sh'), 'utf8');

describe('a rotation of a provider key under traffic, as the README shows it', () => {
  let echo: ChildProcess;
  let echoUrl: string;
  let environment: Record<string, string>;
  let sample: SampleProcess;

  beforeEach(async () => {
    const port = await freePort();
    echoUrl = `http://127.0.0.1:${port}`;
    const env = { PATH: process.env.PATH, ECHO_PORT: String(port) };
    echo = spawn('npm', ['run', '--silent', 'echo'], { cwd: ROOT, env, detached: true });
    await eventually('the echo provider listens', async () =>
      fetch(echoUrl).then(
        () => true,
        () => false,
      ),
    );
    const given = JSON.parse(
      readFileSync(join(ROOT, 'sample-app/models.echo-server.json'), 'utf8'),
    ) as { model_list: { litellm_params: object }[] };
    const [entry] = given.model_list;
    const params = { ...entry?.litellm_params, api_base: `${echoUrl}/v1` };
    environment = {
      DATA_DIR: join(temporaryFolder(), 'data'),
      MODELS_FILE: modelsFile([modelEntry('echo', 'openai/echo', params)]),
    };
    sample = new SampleProcess({ ...environment, MODELS_FILE: '/nowhere' }); // only its shell is used
    await sample.ends();
  });

  afterEach(async () => {
    sample.kill('SIGKILL');
    await sample.ends();
    if (echo.pid !== undefined) process.kill(-echo.pid, 'SIGKILL');
    await once(echo, 'close');
    removeTemporaryFolders();
  });

  const setKey = `curl -s -X POST URL/keys | npm run --silent secret -- set OPENAI_API_KEY`;

  it('fails no request', async () => {
    const first = await sample.shell(setKey.replace('URL', echoUrl));
    sample = await new SampleProcess(environment).listens();
    const version = async (): Promise<string> =>
      (await sample.shell('npm run --silent secret -- list')).split('\n')[1] ?? '';
    const before = await version();
    const lines = SCRIPT.trim()
      .replaceAll('http://127.0.0.1:3000', sample.url)
      .replaceAll('http://127.0.0.1:3001', echoUrl)
      .split('\n');

    const [traffic = '', ...rotation] = lines;
    const printed = await sample.shell(
      [traffic, 'sleep 1', ...rotation, 'sleep 1', 'kill $!'].join('\n'),
    );

    const codes = printed.match(/^\d{3}$/gm) ?? [];
    expect(lines).toHaveLength(3);
    expect(first).toMatch(/^Stored "OPENAI_API_KEY" as version \d+\.\n$/);
    expect(codes.length).toBeGreaterThan(10);
    expect(codes.filter((code) => code !== '200')).toEqual([]);
    expect(printed).toContain('Stored "OPENAI_API_KEY" as version ');
    expect(await version()).not.toBe(before);
    expect(leaks(printed + sample.output, 'sk-echo-')).toBe(false);
  });

  it('is needed, because the provider refuses the old key', async () => {
    await sample.shell(setKey.replace('URL', echoUrl));
    sample = await new SampleProcess(environment).listens();
    const masterKey = await sample.masterKey();
    const hello = { model: 'echo', messages: [{ role: 'user', content: 'Hello' }] };
    const ask = async (content: object): Promise<number> =>
      (await sample.request('/v1/chat/completions', 'POST', content, masterKey)).status;
    const before = [await ask(hello), await ask({ ...hello, stream: true })];

    await fetch(`${echoUrl}/keys`, { method: 'POST' });
    await fetch(`${echoUrl}/keys/old`, { method: 'DELETE' });

    expect(before).toEqual([200, 200]);
    expect(await ask(hello)).toBe(502);
  });
});

describe('npm run master-key', () => {
  afterEach(removeTemporaryFolders);

  it('needs only the master key, and no models', async () => {
    const sample = new SampleProcess({ DATA_DIR: temporaryFolder(), MODELS_FILE: '/nowhere' });
    await sample.ends();

    expect(await sample.masterKey()).toMatch(/^sk-[\w-]{43}$/);
  });
});
