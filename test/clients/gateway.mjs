// Starts the built gateway with fake providers, in its own folder.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

const fileOf = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const PROVIDER_KEY = 'sk-of-the-fake-provider';

export async function startGateway() {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-clients-'));
  const provider = await startProvider(folder);
  const env = {
    PATH: process.env.PATH,
    PORT: '0',
    NO_COLOR: '1',
    DATA_DIR: folder,
    PROVIDER_KEY,
    MODELS_FILE: modelsFile(folder, provider.url),
  };
  const gateway = spawn(process.execPath, [fileOf('sample-app/dist/main.js')], { env });
  const stop = async () => {
    gateway.kill();
    await provider.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const url = await listening(gateway);
    const script = fileOf('sample-app/dist/print-master-key.js');
    const masterKey = String(execFileSync(process.execPath, [script], { env })).trim();
    return { url, key: await generateKey(url, masterKey), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function generateKey(url, masterKey) {
  const headers = { authorization: `Bearer ${masterKey}`, 'content-type': 'application/json' };
  const answer = await fetch(`${url}/key/generate`, { method: 'POST', headers, body: '{}' });
  if (!answer.ok) throw new Error(`/key/generate answered ${answer.status}.`);
  return (await answer.json()).key;
}

/** Compiles and starts the fake provider of the tests, which is TypeScript. */
async function startProvider(folder) {
  const source = readFileSync(fileOf('test/support/fake-provider.ts'), 'utf8');
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022 };
  const { outputText } = ts.transpileModule(source, { compilerOptions: options });
  const file = join(folder, 'fake-provider.mjs');
  writeFileSync(file, outputText);
  const { FakeProvider } = await import(pathToFileURL(file).href);
  return await new FakeProvider(PROVIDER_KEY).start();
}

function modelsFile(folder, providerUrl) {
  const api_key = 'os.environ/PROVIDER_KEY';
  const entry = (model_name, model, params = {}) => ({
    model_name,
    litellm_params: { model, ...params },
  });
  const model_list = [
    entry('echo', 'echo/offline'),
    entry('gpt', 'openai/gpt', { api_key, api_base: `${providerUrl}/v1` }),
    entry('claude', 'anthropic/claude', { api_key, api_base: providerUrl }),
  ];
  const path = join(folder, 'models.json');
  writeFileSync(path, JSON.stringify({ model_list }));
  return path;
}

function listening(gateway) {
  let output = '';
  return new Promise((resolve, reject) => {
    gateway.once('exit', () => reject(new Error(`The gateway ended:\n${output}`)));
    for (const stream of [gateway.stdout, gateway.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
        const url = / listens at (http:\/\/[\d.]+:\d+)/.exec(output)?.[1];
        if (url !== undefined) resolve(url);
      });
    }
  });
}
