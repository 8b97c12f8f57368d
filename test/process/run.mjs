/**
 * What only a process of its own can show: that nothing keeps it alive, that nothing goes unhandled, that a start against a
 * store that hangs fails, that a synchronous read leaves nothing behind, what is loaded of the build. Runs against `dist`:
 * `npm run build && node test/process/run.mjs`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

const TOO_LONG_MS = 20_000;

const PRELUDE = `
  require('reflect-metadata');
  const { Module } = require('@nestjs/common');
  const { NestFactory } = require('@nestjs/core');
  const { CustomSecretManager, SecretManagerModule, SecretsService } = require('nestjs-custom-secret-manager');
  process.on('unhandledRejection', (error) => { console.log('UNHANDLED', error); process.exit(9); });
  class Store extends CustomSecretManager {
    script = async (name) => 'value of ' + name;
    readSecret(name, options) { return this.script(name, options); }
  }
  const store = new Store('store');
  async function start(options = {}) {
    class Application {}
    const imports = [SecretManagerModule.forRoot({ manager: { useValue: store }, ...options })];
    Module({ imports })(Application);
    const app = await NestFactory.createApplicationContext(Application, { logger: false, abortOnError: false });
    return { app, secrets: app.get(SecretsService) };
  }
  const down = async () => { throw Object.assign(new Error(), { code: 'ECONNREFUSED' }); };
`;

const CASES = [
  {
    title: 'a process that has nothing to do but to keep secrets fresh ends by itself',
    script: `
      const { secrets } = await start({ preload: ['A', 'B'] });
      console.log(secrets.getSync('A'));
    `,
    prints: 'value of A\n',
  },
  {
    title: 'nothing is left when the application has closed',
    script: `
      const { app, secrets } = await start({ preload: ['A'] });
      await secrets.get('B');
      const waiting = secrets.get('HANGING').catch(() => undefined);
      await app.close();
      await waiting;
      const left = process.getActiveResourcesInfo().filter((resource) => !/^(TTY|Pipe)/.test(resource));
      console.log(JSON.stringify(left));
    `,
    hangs: ['HANGING'],
    prints: '[]\n',
  },
  {
    title: 'a refresh that fails behind the scenes is no unhandled rejection',
    script: `
      const { app, secrets } = await start({ preload: ['A'], cache: { ttlMs: 20, staleWhileRevalidateMs: 60_000 } });
      store.script = down;
      for (let round = 0; round < 20; round++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        await secrets.get('A');
      }
      await app.close();
      console.log(secrets.circuitState);
    `,
    prints: 'closed\n',
  },
  {
    title: 'a caller who aborts, and whom nobody waits for, is no unhandled rejection',
    script: `
      const { app, secrets } = await start();
      const controller = new AbortController();
      const reading = secrets.get('HANGING', { signal: controller.signal }).catch((error) => error.code);
      controller.abort();
      console.log(await reading);
      await app.close();
    `,
    hangs: ['HANGING'],
    prints: 'CANCELLED\n',
  },
  {
    title: 'a start against a store that hangs fails, and does not end silently',
    script: `
      store.script = () => new Promise(() => undefined);
      await start({ preload: ['A'], timeoutMs: 300, attemptTimeoutMs: 100 }).catch((error) => {
        console.log(error.code);
        process.exitCode = 3;
      });
    `,
    prints: 'TIMEOUT\n',
    exits: 3,
  },
];

const BUILD_CASES = [
  {
    title: 'the main entry loads two files',
    script: `
      const dist = require('node:path').dirname(require.resolve('nestjs-custom-secret-manager'));
      const loaded = Object.keys(require.cache).filter((path) => path.startsWith(dist));
      console.log(loaded.length);
    `,
    prints: '2\n',
  },
  {
    title: 'a class is the same for every entry, and has its name',
    script: `
      const main = require('nestjs-custom-secret-manager');
      const { InMemorySecretManager } = require('nestjs-custom-secret-manager/testing');
      const { EnvironmentSecretManager } = require('nestjs-custom-secret-manager/drivers/environment');
      const { requestSync } = require('nestjs-custom-secret-manager/sync');
      const managers = [new InMemorySecretManager(), new EnvironmentSecretManager()];
      console.log(managers.map((manager) => manager instanceof CustomSecretManager && manager.constructor.name).join());
      try {
        requestSync('no address');
      } catch (error) {
        console.log(error instanceof main.SecretManagerError && error.constructor.name);
      }
    `,
    prints: 'InMemorySecretManager,EnvironmentSecretManager\nSecretManagerError\n',
  },
  {
    title: 'a stack leads to the sources',
    flags: ['--enable-source-maps'],
    script: `
      const { secrets } = await start({ retry: false });
      store.script = down;
      const { stack } = await secrets.getOrThrow('A').catch((error) => error);
      console.log(/ BoundaryPolicy\\.\\w+ \\(.*lib.policies.boundary\\.policy\\.ts:/.test(stack), stack.includes('dist'));
    `,
    prints: 'true false\n',
  },
];

const SYNC_CASES = [
  {
    title: 'a script that only reads synchronously ends by itself',
    script: `
      const { requestSync } = require('nestjs-custom-secret-manager/sync');
      console.log(requestSync(address + '/secret/A').json().value);
    `,
    prints: 'value of A\n',
  },
  {
    title: 'nothing is left of a worker that was closed',
    script: `
      const { SyncHttp } = require('nestjs-custom-secret-manager/sync');
      const http = new SyncHttp();
      http.request(address + '/secret/A');
      await http.close();
      const left = process.getActiveResourcesInfo().filter((resource) => !/^(TTY|Pipe)/.test(resource));
      console.log(JSON.stringify(left), process.report.getReport().workers.length);
    `,
    prints: '[] 0\n',
  },
  {
    title: 'a process that may start no worker says so',
    flags: [nodeMajor() < 22 ? '--experimental-permission' : '--permission', '--allow-fs-read=*'],
    script: `
      const { requestSync } = require('nestjs-custom-secret-manager/sync');
      try {
        requestSync(address + '/secret/A');
      } catch (error) {
        console.log(error.code, error.message.includes('--allow-worker'));
      }
    `,
    prints: 'MISCONFIGURED true\n',
  },
  {
    title: 'of the flags of an application the worker has those about the network, and no preload',
    flags: [
      ...['--require', './test/process/not-in-a-worker.cjs', '--tls-min-v1.3'],
      ...['--dns-result-order', 'verbatim', '--dns-result-order=ipv4first'],
      ...['--no-network-family-autoselection', '--stack-trace-limit=20'],
    ],
    script: `
      const { requestSync } = require('nestjs-custom-secret-manager/sync');
      console.log(requestSync(address + '/secret/A').json().value);
    `,
    prints: 'value of A\n',
  },
  {
    title: 'the worker runs no preload of NODE_OPTIONS, and keeps its network flags',
    environment: {
      NODE_OPTIONS: '--require ./test/process/not-in-a-worker.cjs --dns-result-order=ipv4first',
    },
    script: `
      const { requestSync } = require('nestjs-custom-secret-manager/sync');
      console.log(requestSync(address + '/secret/A').json().value);
    `,
    prints: 'value of A\n',
  },
];

const server = spawn(process.execPath, ['test/support/outside-server.process.mjs'], {
  cwd: new URL('../..', import.meta.url),
  stdio: ['pipe', 'pipe', 'inherit'],
});
const [port] = await once(server.stdout, 'data');
const address = `http://127.0.0.1:${String(port).trim()}`;

const cases = [...CASES, ...BUILD_CASES, ...SYNC_CASES];
const failed = cases.filter((each) => !holds(each)).length;
server.stdin.end();
console.log(`${cases.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function holds({ title, flags = [], environment, script, hangs = [], prints, exits = 0 }) {
  const hanging = `
    const answer = store.script;
    store.script = (name) => (${JSON.stringify(hangs)}.includes(name) ? new Promise(() => undefined) : answer(name));
  `;
  const body = `${PRELUDE}${hanging}const address = '${address}';(async () => {${script}})();`;
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ['--no-warnings', ...flags, '-e', body],
    {
      cwd: new URL('../..', import.meta.url),
      encoding: 'utf8',
      env: { ...process.env, ...environment },
      timeout: TOO_LONG_MS,
    },
  );
  const isRight = status === exits && stdout === prints;
  console.log(`${isRight ? 'ok    ' : 'FAILED'}  ${title}`);
  if (!isRight) console.log({ status, signal, stdout, stderr });
  return isRight;
}

function nodeMajor() {
  return Number(process.versions.node.split('.')[0]);
}
