/**
 * Tests that need their own process: nothing keeps it alive, nothing goes unhandled, a start at a hanging store fails,
 * a synchronous read leaves nothing behind, and the build loads only what it must. Runs against `dist`: `npm run build
 * && node test/process/run.mjs`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

const TOO_LONG_MS = 20_000;

const PRELUDE = `
  require('reflect-metadata');
  const { Module } = require('@nestjs/common');
  const { NestFactory } = require('@nestjs/core');
  const { Session } = require('node:inspector');
  /** Loads an entry of the build at hand: Node takes the ES modules, and a path leads to the CommonJS build. */
  const load = (entry = '') => require('nestjs-custom-secret-manager' + entry);
  const loadCommonJs = (entry = '') => require(process.cwd() + '/dist' + entry + '/index.js');
  const { CustomSecretManager, SecretManagerModule, SecretsService } = load();
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

const LOADED_FILES = `
  const urls = new Set();
  const session = new Session();
  session.connect();
  session.on('Debugger.scriptParsed', ({ params }) => urls.add(params.url));
  session.post('Debugger.enable');
`;

const BUILD_CASES = [
  {
    title: 'the main entry loads three files of the ES modules, and none of the CommonJS build',
    script: `${LOADED_FILES}
      const dist = require('node:url').pathToFileURL(process.cwd() + '/dist/').href;
      const loaded = [...urls].filter((url) => url.startsWith(dist)).map((url) => url.slice(dist.length));
      console.log(loaded.sort().join());
    `,
    prints: 'index.mjs,shared.mjs,typed/shared.mjs\n',
  },
  {
    title: 'the main entry of the CommonJS build loads three files',
    script: `
      loadCommonJs();
      const dist = process.cwd() + '/dist/';
      const loaded = Object.keys(require.cache).filter((path) => path.startsWith(dist) && path.endsWith('.js'));
      console.log(loaded.map((path) => path.slice(dist.length)).sort().join());
    `,
    prints: 'index.js,shared.js,typed/shared.js\n',
  },
  {
    title: 'require and import give the same classes, of every entry',
    script: `
      const entries = ['', '/testing', '/sync', '/terminus', '/drivers/hashicorp-vault', '/drivers/encrypted-file'];
      const same = await Promise.all(entries.map(async (entry) => {
        const imported = await import('nestjs-custom-secret-manager' + entry);
        const names = Object.keys(imported);
        return names.length > 0 && names.every((name) => load(entry)[name] === imported[name]);
      }));
      console.log(same.join());
    `,
    prints: 'true,true,true,true,true,true\n',
  },
  {
    title: 'both builds have the same exports',
    script: `
      const entries = ['', '/testing', '/sync', '/terminus', '/drivers/aws-secrets-manager', '/drivers/directory'];
      const differ = entries.filter((entry) => {
        const [es, commonJs] = [load(entry), loadCommonJs(entry)].map((exports) => Object.keys(exports).sort().join());
        return es !== commonJs || es === '';
      });
      console.log(JSON.stringify(differ));
    `,
    prints: '[]\n',
  },
  {
    title: 'a class is the same for every entry, and has its name',
    script: `
      const main = load();
      const { InMemorySecretManager } = load('/testing');
      const { EnvironmentSecretManager } = load('/drivers/environment');
      const { requestSync } = load('/sync');
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

const COPIES_CASES = [
  ['the CommonJS build', 'the ES modules', 'loadCommonJs', 'load'],
  ['the ES modules', 'the CommonJS build', 'load', 'loadCommonJs'],
].map(([registering, using, one, other]) => ({
  title: `a module of ${registering} serves what uses ${using}`,
  script: `
    const [root, own] = [${one}(), ${other}()];
    const { TerminusModule } = require('@nestjs/terminus');
    const { SecretManagerHealthIndicator } = ${other}('/terminus');
    class Other extends own.CustomSecretManager {
      async readSecret(name) {
        if (name === 'BUSY') throw new own.SecretManagerError('THROTTLED', 'slow down', { retryAfterMs: 1 });
        return 'value of ' + name;
      }
    }
    const settings = { storeVirtualKeys: true };
    const options = { manager: Other, environment: {}, retry: false, settings };
    class Application {}
    Module({
      imports: [
        TerminusModule,
        own.SecretManagerModule.forFeature(['A']),
        root.SecretManagerModule.forRoot(options),
        root.SecretManagerModule.forRoot({ ...options, name: 'named' }),
      ],
      providers: [
        SecretManagerHealthIndicator,
        {
          provide: 'injected',
          inject: [own.SecretsService, own.getSecretToken('A'), own.VirtualKeysService, own.getSecretsServiceToken('named')],
          useFactory: (...injected) => injected,
        },
      ],
    })(Application);
    const app = await NestFactory.createApplicationContext(Application, { logger: false, abortOnError: false });
    const [secrets, handle, keys, named] = app.get('injected');
    console.log(root.SecretsService !== own.SecretsService, await secrets.get('B'), handle.reveal(), await named.get('C'));
    const error = await secrets.get('BUSY').catch((thrown) => thrown);
    console.log(error.code, error.message, own.isSecretManagerError(error), error instanceof own.SecretManagerError);
    console.log(handle instanceof own.Secret, await keys.verify({ id: '1' }, 'wrong'));
    console.log((await app.get(SecretManagerHealthIndicator).isHealthy('store')).store.status);
    await app.close();
  `,
  prints: 'true value of B value of A value of C\nTHROTTLED slow down true true\ntrue false\nup\n',
}));

const SYNC_CASES = [
  {
    title: 'a script that only reads synchronously ends by itself',
    script: `
      const { requestSync } = load('/sync');
      console.log(requestSync(address + '/secret/A').json().value);
    `,
    prints: 'value of A\n',
  },
  {
    title: 'the CommonJS build finds its worker, too',
    script: `
      const { requestSync } = loadCommonJs('/sync');
      console.log(requestSync(address + '/secret/A').json().value);
    `,
    prints: 'value of A\n',
  },
  ...['load', 'loadCommonJs'].map((from) => ({
    title: `the driver for AWS finds its worker (${from})`,
    script: `
      const { AwsSecretManager } = ${from}('/drivers/aws-secrets-manager');
      const credentials = { accessKeyId: 'a', secretAccessKey: 's' };
      const aws = new AwsSecretManager({ region: 'eu-west-1', endpoint: 'http://127.0.0.1:1', credentials });
      try {
        aws.readSecretSync('A', { timeoutMs: 5_000 });
      } catch (error) {
        console.log(error.code);
      }
      await aws.close();
    `,
    prints: 'ECONNREFUSED\n', // of the worker: a boundary would translate it
  })),
  {
    title: 'nothing is left of a worker that was closed',
    script: `
      const { SyncHttp } = load('/sync');
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
      const { requestSync } = load('/sync');
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
      const { requestSync } = load('/sync');
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

const cases = [...CASES, ...BUILD_CASES, ...COPIES_CASES, ...SYNC_CASES];
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
