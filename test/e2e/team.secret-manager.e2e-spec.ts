import { ConfigService } from '@nestjs/config';
import { KvClient } from '../../sample-app/src/kv-client';
import { TeamSecretManager } from '../../sample-app/src/team.secret-manager';
import { closeApplications, startWith, type Started } from '../support/application';
import { everythingOf, failureOf, leaks } from '../support/failure-of';
import { FAULTS, FaultStore } from '../support/fault-store';

const TOKEN = 'canary-of-the-token-51e0';
const VALUE = 'canary-of-the-value-9c3b';

describe("the sample's own manager, at a store that breaks", () => {
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

  // what is refused is not there to be asked: the address is fixed when the manager is made
  it.each(FAULTS.filter((fault) => fault !== 'refused'))(
    'takes "%s" neither for an absence nor for a success, and shows nothing of it',
    async (fault) => {
      store.fail(fault);

      const ofRead = await failureOf(started.secrets.get('KEY', { default: 'default' }));
      const ofWrite = await failureOf(started.secrets.set('KEY', VALUE));
      const ofDelete = await failureOf(started.secrets.delete('KEY'));

      const seen = [ofRead, ofWrite, ofDelete, started.log.lines].map(everythingOf).join('\n');
      expect([TOKEN, VALUE].filter((canary) => leaks(seen, canary))).toEqual([]);
    },
  );

  it('does not take the login page of a proxy for an empty store', async () => {
    store.fail('HTML');

    const failure = await failureOf(started.secrets.get('KEY'));

    expect(failure).toMatchObject({
      code: 'MALFORMED',
      message: 'What answers at STORE_ADDR is not the store. Check it.',
    });
  });

  it.each([
    { address: 'http://127.0.0.1:8200', token: 's.token' },
    { address: 'https://vault.example/', token: 'hvs.token' },
  ])('finds nothing wrong with $address', (settings) => {
    const client = new KvClient(settings);

    const problem = client.problem();

    expect(problem).toBeUndefined();
  });
});
