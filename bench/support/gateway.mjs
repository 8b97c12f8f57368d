import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EncryptedFileSecretManager } from 'nestjs-custom-secret-manager/drivers/encrypted-file';

const MAIN = join(import.meta.dirname, '../../sample-app/dist/main.js');
const LISTENING = /http:\/\/127\.0\.0\.1:\d+/;

/** Starts the built gateway as a process on its default store, in its own folder. */
export async function startGateway(folder) {
  if (!existsSync(MAIN)) throw new Error('Build the gateway first: npm run build:sample');
  const child = spawn(process.execPath, ['--no-warnings', MAIN], {
    env: { PATH: process.env.PATH, DATA_DIR: folder, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk) => (output += chunk));
  const ended = once(child, 'exit').then(() => false);
  const printed = () => once(child.stdout, 'data').then(() => true);
  while (!LISTENING.test(output)) {
    if (!(await Promise.race([printed(), ended]))) fail(output);
  }
  const [url] = LISTENING.exec(output);
  const masterKey = await masterKeyOf(folder);
  return {
    async generateKey() {
      const response = await fetch(`${url}/key/generate`, {
        method: 'POST',
        headers: { authorization: `Bearer ${masterKey}`, 'content-type': 'application/json' },
        body: '{"models":["echo"]}',
      });
      if (!response.ok) throw new Error(`/key/generate answered ${response.status}`);
      await response.arrayBuffer();
    },
    async stop() {
      child.kill();
      await ended;
    },
  };
}

async function masterKeyOf(folder) {
  const path = join(folder, 'secrets');
  const store = new EncryptedFileSecretManager({ path, keyFile: join(folder, 'secrets.key') });
  const { value } = await store.readSecret('MASTER_KEY');
  await store.close();
  return value;
}

function fail(output) {
  throw new Error(`The gateway ended:\n${output}`);
}
