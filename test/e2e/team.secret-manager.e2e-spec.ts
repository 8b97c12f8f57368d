import { ConfigService } from '@nestjs/config';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TeamSecretManager } from '../../sample-app/src/team.secret-manager';
import { closeApplications, startWith, type Started } from '../support/application';
import { everythingOf, failureOf, leaks } from '../support/failure-of';
import { FAULTS, FaultStore } from '../support/fault-store';

const TOKEN = 'canary-of-the-token-51e0';
const VALUE = 'canary-of-the-value-9c3b';

describe("the sample's own manager, with a broken store", () => {
  let store: FaultStore;
  let started: Started;

  beforeEach(async () => {
    store = await new FaultStore().start();
    store.secrets.set('KEY', VALUE);
    const config = { STORE_ADDR: `http://${store.host}`, STORE_TOKEN: TOKEN };
    started = await startWith(new TeamSecretManager(new ConfigService(config)), {
      attemptTimeoutMs: 150,
      retry: false,
      environment: { KEY: 'of the environment' },
      settings: { accessMode: 'read_and_write' },
    });
  });

  afterEach(async () => {
    await closeApplications();
    await store.stop();
  });

  // a refused connection needs another address, which is fixed when the manager is constructed
  it.each(FAULTS.filter((fault) => fault !== 'refused'))(
    'treats "%s" neither as an absence nor as a success, and does not quote it',
    async (fault) => {
      store.fail(fault);

      const ofRead = await failureOf(started.secrets.get('KEY', { default: 'default' }));
      const ofWrite = await failureOf(started.secrets.set('KEY', VALUE));
      const ofDelete = await failureOf(started.secrets.delete('KEY'));

      const seen = [ofRead, ofWrite, ofDelete, started.log.lines].map(everythingOf).join('\n');
      expect([TOKEN, VALUE].filter((canary) => leaks(seen, canary))).toEqual([]);
    },
  );

  it('does not treat the login page of a proxy as an empty store', async () => {
    store.fail('HTML');

    const failure = await failureOf(started.secrets.get('KEY'));

    expect(failure).toMatchObject({
      code: 'MALFORMED',
      message: 'What answers at STORE_ADDR is not the store. Check it.',
    });
  });

  it('sends its token to no other host, whatever the redirect', async () => {
    const other = await new FaultStore().start();
    const redirecting = createServer((_, response) => {
      response.writeHead(307, { location: `http://${other.host}/v1/secret/KEY` }).end();
    }).listen(0, '127.0.0.1');
    await once(redirecting, 'listening');
    const { port } = redirecting.address() as AddressInfo;
    const manager = managerWith({ STORE_ADDR: `http://127.0.0.1:${port}`, STORE_TOKEN: TOKEN });

    const calls = [
      manager.readSecret('KEY'),
      manager.writeSecret('KEY', VALUE),
      manager.deleteSecret('KEY'),
    ];

    const failures = await Promise.allSettled(calls);
    redirecting.close();
    await other.stop();
    expect(failures).toMatchObject(
      calls.map(() => ({ reason: { name: 'StoreResponseError', statusCode: 307 } })),
    );
    expect(other.requests).toEqual([]);
  });
});

describe("the variables of the sample's own manager", () => {
  it.each<[string, Record<string, string>]>([
    ['STORE_ADDR must be set', {}],
    ['STORE_ADDR must be set', { STORE_TOKEN: TOKEN, VAULT_ADDR: 'https://vault.example' }],
    ['STORE_ADDR must be set', { STORE_TOKEN: TOKEN, STORE_ADDR: 'vault.example:8200' }],
    ['STORE_ADDR must be set', { STORE_TOKEN: TOKEN, STORE_ADDR: `https://u:${TOKEN}@vault` }],
    ['STORE_ADDR must be set', { STORE_TOKEN: TOKEN, STORE_ADDR: 'https://vault.example/path' }],
    ['STORE_TOKEN must be set', { STORE_ADDR: 'https://vault.example', VAULT_TOKEN: TOKEN }],
    ['STORE_TOKEN must be set', { STORE_ADDR: 'https://vault.example', BAO_TOKEN: TOKEN }],
    ['STORE_TOKEN must be set', { STORE_ADDR: 'https://vault.example', STORE_TOKEN: 'two words' }],
    ['STORE_ALLOW_HTTP=true', { STORE_ADDR: 'http://vault.example:8200', STORE_TOKEN: TOKEN }],
    ['STORE_ALLOW_HTTP=true', { STORE_ADDR: 'http://10.0.0.7', STORE_TOKEN: TOKEN }],
    ['STORE_ALLOW_HTTP=true', { STORE_ADDR: 'http://127.0.0.1.evil.test', STORE_TOKEN: TOKEN }],
    ['STORE_ALLOW_HTTP=true', { STORE_ADDR: 'http://localhost.evil.test', STORE_TOKEN: TOKEN }],
  ])('are refused with "%s", without a quote, if they are %j', async (text, variables) => {
    const manager = managerWith(variables);

    const ofStart = await failureOf(() => manager.validateEnvironment());
    const ofRead = await failureOf(manager.readSecret('KEY'));
    const ofHealth = await failureOf(manager.checkHealth());

    for (const failure of [ofStart, ofRead, ofHealth]) {
      expect(failure.code).toBe('MISCONFIGURED');
      expect(failure.message).toContain(text);
      expect(failure.message).not.toContain('VAULT_');
      expect(leaks(everythingOf(failure), TOKEN)).toBe(false);
    }
  });

  it.each<Record<string, string>>([
    { STORE_ADDR: 'http://127.0.0.1:8200' },
    { STORE_ADDR: 'http://localhost' },
    { STORE_ADDR: 'http://[::1]:8200/' },
    { STORE_ADDR: 'https://vault.example/' },
    { STORE_ADDR: 'http://vault.internal:8200', STORE_ALLOW_HTTP: 'true' },
  ])('may be %j', (variables) => {
    const manager = managerWith({ STORE_TOKEN: TOKEN, ...variables });

    expect(() => manager.validateEnvironment()).not.toThrow();
  });
});

function managerWith(variables: Record<string, string>): TeamSecretManager {
  return new TeamSecretManager(new ConfigService(variables));
}
