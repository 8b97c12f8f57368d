import {
  CustomSecretManager,
  type OperationOptions,
  type SecretManagerModuleOptions,
  type SecretsService,
} from 'nestjs-custom-secret-manager';
import { SyncHttp } from 'nestjs-custom-secret-manager/sync';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { closeApplications, startWith } from '../../support/application';
import { failureOf } from '../../support/failure-of';
import { OutsideServer } from '../../support/outside-server';

/** A team's class that reads both ways. */
class BothWays extends CustomSecretManager {
  readonly #http = new SyncHttp();
  synchronousReads = 0;

  constructor(private readonly address: string) {
    super('both-ways');
  }

  override async readSecret(
    name: string,
    { signal }: OperationOptions = {},
  ): Promise<string | undefined> {
    const { statusCode, body } = await request(this.urlOf(name), { signal });
    return valueOf(statusCode, await body.text());
  }

  override readSecretSync(name: string, { timeoutMs }: OperationOptions = {}): string | undefined {
    this.synchronousReads += 1;
    const response = this.#http.request(this.urlOf(name), { timeoutMs });
    return valueOf(response.statusCode, response.text());
  }

  override close(): Promise<void> {
    return this.#http.close();
  }

  private urlOf(name: string): string {
    return `${this.address}/${name}`;
  }
}

function valueOf(statusCode: number, body: string): string | undefined {
  if (statusCode === 404) return undefined;
  if (statusCode !== 200) throw Object.assign(new Error(), { statusCode });
  return (JSON.parse(body) as { value: string }).value;
}

describe('getSync of a manager over HTTP', () => {
  const server = new OutsideServer();
  let manager: BothWays;
  let secrets: SecretsService;

  beforeAll(() => server.start());
  afterAll(() => server.stop());
  afterEach(closeApplications);

  async function start(options: SecretManagerModuleOptions = {}): Promise<void> {
    manager = new BothWays(server.address);
    ({ secrets } = await startWith(manager, options));
  }

  it('shares the cache with asynchronous reads, both ways', async () => {
    await start();

    const values = [
      secrets.getSync('secret/A'),
      await secrets.get('secret/A'),
      await secrets.get('secret/B'),
      secrets.getSync('secret/B'),
    ];

    expect(values.map((value) => value?.slice(-1))).toEqual(['A', 'A', 'B', 'B']);
    expect(manager.synchronousReads).toBe(1);
  });

  it('answers while an asynchronous read of the same name is in flight, which succeeds', async () => {
    await start();
    const reading = secrets.get('secret/A');

    const value = secrets.getSync('secret/A');

    expect(value).toBe('value of A');
    expect(await reading).toBe('value of A');
    expect(manager.synchronousReads).toBe(1);
  });

  it('reads the environment for an absent secret', async () => {
    await start({ environment: { 'secret/ABSENT': 'env' } });

    expect(secrets.getSync('secret/ABSENT')).toBe('env');
  });

  it('ends at the deadline of the call, and then answers correctly', async () => {
    await start();

    const error = await failureOf(() => secrets.getSync('hang', { timeoutMs: 50 }));

    expect(error).toMatchObject({
      code: 'TIMEOUT',
      manager: 'both-ways',
      operation: 'readSecretSync',
      secretName: 'hang',
    });
    expect(secrets.getSync('secret/A')).toBe('value of A');
  });

  it('ends at the deadline of an attempt if that is earlier', async () => {
    await start({ attemptTimeoutMs: 50 });

    const error = await failureOf(() => secrets.getSync('hang'));

    expect(error.code).toBe('TIMEOUT');
    expect(error.message).toContain('within 50 ms');
  });

  it('opens the circuit after repeated failures, and is then refused without a call', async () => {
    await start({ circuitBreaker: { failureThreshold: 3 } });
    for (let round = 0; round < 3; round++) {
      await failureOf(() => secrets.getSync(`status/503/${round}`, { maxAgeMs: 0 }));
    }

    const error = await failureOf(() => secrets.getSync('secret/A'));

    expect(secrets.circuitState).toBe('open');
    expect(error).toMatchObject({ code: 'UNAVAILABLE', operation: 'readSecretSync' });
    expect(error.retryAfterMs).toBeGreaterThan(0);
    expect(manager.synchronousReads).toBe(3);
  });

  it('is not retried', async () => {
    await start();

    const error = await failureOf(() => secrets.getSync('status/503'));

    expect(error.code).toBe('UNAVAILABLE');
    expect(manager.synchronousReads).toBe(1);
  });

  it('explains why a store in the waiting thread cannot answer', async () => {
    const inside = createServer((_, response) => response.end('{"value":"x"}'));
    await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve));
    const { port } = inside.address() as AddressInfo;
    ({ secrets } = await startWith(new BothWays(`http://127.0.0.1:${port}`)));

    const error = await failureOf(() => secrets.getSync('A', { timeoutMs: 50 }));

    expect(error.code).toBe('TIMEOUT');
    expect(error.message).toContain('server in the thread that waits cannot answer');
    inside.closeAllConnections();
    inside.close();
  });
});
