import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually';
import { freePort } from './free-port';

const ROOT = join(__dirname, '../../..');
export const BAO = join(ROOT, '.cache/servers/bin/bao');
export const SUPERVISOR = join(ROOT, 'test/integration/servers/supervise.mjs');

const QUOTA = 'of-the-test';

/** The permitted operations by path. */
type Rules = Readonly<Record<string, readonly string[]>>;

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Starts an empty, unsealed server with a KV 2 mount at `secret`. */
export async function startOpenBao(): Promise<OpenBao> {
  const bao = new OpenBao(await freePort());
  await bao.start();
  return bao;
}

/** Starts a server like {@link startOpenBao} that can be sealed and unsealed. */
export async function startSealableOpenBao(): Promise<SealableOpenBao> {
  const bao = new SealableOpenBao(await freePort());
  await bao.start();
  return bao;
}

/** A server for one test file. It ends with the test run, however that ends. */
export class OpenBao {
  readonly address: string;
  rootToken = `root-${randomUUID()}`;
  readonly #policies = new Map<string, string>();
  #process: ChildProcess | undefined;

  constructor(private readonly port: number) {
    this.address = `http://127.0.0.1:${port}`;
  }

  /** Starts an empty server. After {@link stop}, it has the same address and token. */
  async start(): Promise<void> {
    await this.run(
      '-dev',
      '-dev-no-store-token',
      `-dev-root-token-id=${this.rootToken}`,
      `-dev-listen-address=127.0.0.1:${this.port}`,
    );
    await eventually('OpenBao has its mount', async () => {
      const { status } = await this.request('GET', 'secret/config');
      return status === 200;
    });
  }

  async stop(): Promise<void> {
    await this.kill();
  }

  /** Ends the server at once, like a crash. */
  async kill(): Promise<void> {
    if (!this.#process?.connected) return;
    this.#process.send('SIGKILL');
    await once(this.#process, 'exit');
  }

  /** Stops the server from answering, with its connections open. */
  async freeze(): Promise<void> {
    await this.signal('SIGSTOP');
    await eventually('OpenBao answers nobody', () => this.isSilent());
  }

  thaw(): Promise<void> {
    return this.signal('SIGCONT');
  }

  /** Creates a mount of the key-value engine, and waits until it is usable. */
  async mountKv(mount: string, version: 1 | 2 = 2, namespace = ''): Promise<void> {
    const headers = { 'x-vault-namespace': namespace };
    const content = { type: 'kv', options: { version: String(version) } };
    await this.expect('POST', `sys/mounts/${mount}`, content, headers);
    if (version === 1) return;
    await eventually('the mount is of version 2', async () => {
      const { status } = await this.request('POST', `${mount}/config`, {}, headers);
      return status < 300;
    });
  }

  async put(secretName: string, value: string, mount = 'secret'): Promise<void> {
    const data = { value };
    await this.expect('POST', `${mount}/data/${encodeURIComponent(secretName)}`, { data });
  }

  /** Resolves to the value in the store, or to `undefined` if it is missing. */
  async valueOf(secretName: string): Promise<unknown> {
    const { body } = await this.request('GET', `secret/data/${encodeURIComponent(secretName)}`);
    return (body as { data?: { data?: { value?: unknown } } }).data?.data?.value;
  }

  async names(mount = 'secret'): Promise<readonly string[]> {
    const { body } = await this.request('GET', `${mount}/metadata?list=true`);
    return (body as { data?: { keys: string[] } }).data?.keys ?? [];
  }

  /** Resolves to a token with these rules: `{ 'secret/data/a': ['read'] }`. */
  async tokenFor(rules: Rules): Promise<string> {
    const policy = `policy-${randomUUID()}`;
    await this.permit(policy, rules);
    const { body } = await this.expect('POST', 'auth/token/create', { policies: [policy] });
    const { client_token: token } = (body as { auth: { client_token: string } }).auth;
    this.#policies.set(token, policy);
    return token;
  }

  /** Changes the rules of a token of {@link tokenFor}. */
  async changeRules(token: string, rules: Rules): Promise<void> {
    await this.permit(this.#policies.get(token) ?? '', rules);
  }

  async revoke(token: string): Promise<void> {
    await this.expect('POST', 'auth/token/revoke', { token });
  }

  /** Makes the server answer 429 for every secret of the mount, until {@link unthrottle}. */
  async throttle(mount: string): Promise<void> {
    await this.expect('POST', `sys/quotas/rate-limit/${QUOTA}`, {
      rate: 1,
      interval: '10m', // by default a second, in which a busy machine does not finish a test
      path: mount,
    });
    await eventually('OpenBao throttles', async () => {
      const { status } = await this.request('GET', `${mount}/data/ANY`);
      return status === 429;
    });
  }

  async unthrottle(): Promise<void> {
    await this.expect('DELETE', `sys/quotas/rate-limit/${QUOTA}`);
  }

  /** Makes a request that must succeed. */
  async expect(...request: Parameters<OpenBao['request']>): Promise<Answer> {
    const answer = await this.request(...request);
    const [method, path] = request;
    if (answer.status < 300) return answer;
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }

  async request(
    method: string,
    path: string,
    content?: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const response = await fetch(`${this.address}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': this.rootToken, connection: 'close', ...headers },
      body: content && JSON.stringify(content),
    });
    const text = await response.text();
    return { status: response.status, body: (text ? JSON.parse(text) : {}) as Answer['body'] };
  }

  /** Creates a policy, or changes it for all its tokens. */
  async permit(policy: string, rules: Rules): Promise<void> {
    const paths = Object.entries(rules).map(([path, capabilities]) => [path, { capabilities }]);
    const text = JSON.stringify({ path: Object.fromEntries(paths) as object });
    await this.expect('PUT', `sys/policies/acl/${policy}`, { policy: text });
  }

  protected async run(...args: readonly string[]): Promise<void> {
    const child = fork(SUPERVISOR, [BAO, 'server', ...args], {
      stdio: 'pipe',
      serialization: 'json',
    });
    this.#process = child;
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    await eventually('OpenBao listens', async () => {
      if (child.exitCode !== null) throw new Error(`OpenBao did not start:\n${output}`);
      return await this.isListening();
    });
  }

  private isListening(): Promise<boolean> {
    return this.request('GET', 'sys/health').then(
      () => true,
      () => false,
    );
  }

  /**
   * Tells whether the server is silent. A delivered signal may take a moment to stop every thread of a busy machine.
   */
  private isSilent(): Promise<boolean> {
    const init = { headers: { connection: 'close' }, signal: AbortSignal.timeout(100) };
    return fetch(`${this.address}/v1/sys/health`, init).then(
      () => false,
      () => true,
    );
  }

  protected async signal(signal: NodeJS.Signals): Promise<void> {
    if (!this.#process?.connected) return;
    const delivered = once(this.#process, 'message');
    this.#process.send(signal);
    await delivered;
  }
}

/** A server with a seal, as in production. Its content is in memory, and lost when it stops. */
export class SealableOpenBao extends OpenBao {
  protected readonly folder = mkdtempSync(join(tmpdir(), 'openbao-'));
  /** The key that unseals the server. */
  key = '';

  override async start(): Promise<void> {
    await this.launch();
    const { body } = await this.expect('PUT', 'sys/init', {
      secret_shares: 1,
      secret_threshold: 1,
    });
    [this.key = ''] = body.keys as string[];
    this.rootToken = String(body.root_token);
    await this.unseal();
    await this.mountKv('secret');
  }

  override async stop(): Promise<void> {
    await super.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async seal(): Promise<void> {
    await this.expect('PUT', 'sys/seal');
  }

  async unseal(): Promise<void> {
    await this.expect('PUT', 'sys/unseal', { key: this.key });
    await eventually('OpenBao is open', async () => {
      const { status } = await this.request('GET', 'sys/health');
      return status === 200;
    });
  }

  /** Starts the server, sealed. */
  protected async launch(): Promise<void> {
    const config = join(this.folder, 'config.json');
    writeFileSync(config, JSON.stringify(this.configuration()));
    await this.run(`-config=${config}`);
  }

  /** Returns the content of the configuration file. */
  protected configuration(): Readonly<Record<string, unknown>> {
    const address = this.address.slice('http://'.length);
    return { storage: { inmem: {} }, listener: [{ tcp: { address, tls_disable: true } }] };
  }
}
