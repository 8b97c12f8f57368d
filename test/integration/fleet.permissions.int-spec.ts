import { connect } from '@nats-io/transport-node';
import Redis from 'ioredis';
import {
  NatsTransport,
  RedisTransport,
  type FleetTransport,
} from 'nestjs-custom-secret-manager/fleet';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { closeApplications, startWith, type Started } from '../support/application';
import { startNats, type Broker } from './support/brokers';
import { eventually } from './support/eventually';
import { startValkey, type Valkey } from './support/valkey';

jest.setTimeout(60_000);

const KEY = 'sk-canary-key-of-the-fleet';
const PASSWORD = 'sk-canary-password';
/** May do everything but publish. */
const LISTENER = 'canary-listener';
const FULL = 'canary-full';

let valkey: Valkey;
let nats: Broker;
let store: InMemorySecretManager;
let closeClients: (() => unknown)[] = [];
let warnings: string[] = [];

beforeAll(async () => {
  valkey = await startValkey();
  await valkey.addUser(FULL, PASSWORD);
  await valkey.addUser(LISTENER, PASSWORD);
  await valkey.run('ACL', 'SETUSER', LISTENER, '-publish');
  nats = await startNats('-c', natsConfig());
});

afterAll(() => Promise.all([valkey.stop(), nats.stop()]));

beforeEach(() => {
  store = new InMemorySecretManager({ KEY: 'old', OTHER: 'old' });
  warnings = [];
  jest.spyOn(process, 'emitWarning').mockImplementation((warning) => {
    warnings.push(String(warning));
  });
});

afterEach(async () => {
  await closeApplications();
  for (const close of closeClients) close();
  closeClients = [];
  jest.restoreAllMocks();
});

const ioredis = async (username: string): Promise<RedisTransport> => {
  const client = new Redis({ host: '127.0.0.1', port: valkey.port, username, password: PASSWORD });
  client.on('error', () => undefined);
  closeClients.push(() => client.disconnect());
  return new RedisTransport(client);
};

const nodeRedis = async (username: string): Promise<RedisTransport> => {
  const socket = { host: '127.0.0.1', port: valkey.port };
  const client = createClient({ socket, username, password: PASSWORD });
  client.on('error', () => undefined);
  closeClients.push(() => client.destroy());
  await client.connect();
  return new RedisTransport(client);
};

const viaNats = async (user: string): Promise<NatsTransport> =>
  new NatsTransport(() =>
    connect({ port: nats.port, user, pass: PASSWORD, maxReconnectAttempts: -1 }),
  );

/** Returns the path of a configuration with the same users. */
function natsConfig(): string {
  const path = join(mkdtempSync(join(tmpdir(), 'nats-')), 'nats.conf');
  const listener = `{ user: ${LISTENER}, password: "${PASSWORD}", permissions: { publish: "other" } }`;
  const full = `{ user: ${FULL}, password: "${PASSWORD}" }`;
  writeFileSync(path, `authorization { users: [ ${listener}, ${full} ] }\n`);
  return path;
}

type Connect = (username: string) => Promise<FleetTransport>;

async function start(transport: Promise<FleetTransport>): Promise<Started> {
  return await startWith(store, {
    settings: { accessMode: 'read_and_write' },
    fleet: { transport: await transport, key: KEY, spreadMs: 0, disconnectedTtlMs: 3_000 },
  });
}

/** Writes until a write says that the others cannot hear of it. Each write must take no longer for the fleet. */
function writeUntilNotAnnounced({ secrets }: Started): Promise<void> {
  return eventually('a write is not announced', async () => {
    const startedAt = performance.now();
    const { announced } = await secrets.set('KEY', 'new');
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    return announced === false;
  });
}

describe.each<[string, Connect, failed: string, silent: string]>([
  [
    'ioredis',
    ioredis,
    'do not come back (ACCESS_DENIED)',
    'could not be published (ACCESS_DENIED)',
  ],
  [
    'node-redis',
    nodeRedis,
    'do not come back (ACCESS_DENIED)',
    'could not be published (ACCESS_DENIED)',
  ],
  [
    'NATS, which drops messages without an error',
    viaNats,
    'do not come back. The',
    'the login may not publish',
  ],
])(
  'An instance whose login may subscribe and not publish, with %s',
  (_, connectAs, failed, silent) => {
    function expectOneWarning({ log }: Started, expected: string): void {
      const all = [...log.warnings, ...warnings];
      expect(all).toEqual([expect.stringContaining(expected)]);
      expect(all.join()).toMatch(/login may (not )?publish/);
      expect(all.join()).not.toContain('canary');
    }

    it('writes and hears the others, and warns once of what is missing', async () => {
      const other = await start(connectAs(FULL));
      const mute = await start(connectAs(LISTENER)); // the last one: Nest has one logger for all
      await mute.secrets.get('OTHER');

      await writeUntilNotAnnounced(mute);
      await other.secrets.set('OTHER', 'new');
      await eventually(
        'the change arrives',
        async () => (await mute.secrets.get('OTHER')) === 'new',
      );
      await eventually('the warning', async () => mute.log.warnings.length > 0);

      expect(mute.secrets.fleet.state).toBe('connected');
      expect(mute.secrets.fleet.pending).toBeGreaterThan(0);
      expect(await mute.secrets.get('KEY')).toBe('new');
      expectOneWarning(mute, failed);
      const startedAt = performance.now();
      await mute.app.close();
      expect(performance.now() - startedAt).toBeLessThan(2_500);
    });

    it('is cut when it is alone, and warns once of what is missing', async () => {
      const mute = await start(connectAs(LISTENER));

      await eventually('it is cut', async () => mute.secrets.fleet.state === 'cut');
      await writeUntilNotAnnounced(mute);

      expect(await mute.secrets.get('KEY')).toBe('new');
      expectOneWarning(mute, silent);
    });
  },
);

it('An instance announces what it has written when the permission to publish comes', async () => {
  const [mute, other] = [await start(ioredis(LISTENER)), await start(ioredis(FULL))];
  await other.secrets.get('KEY');
  await writeUntilNotAnnounced(mute);

  await valkey.run('ACL', 'SETUSER', LISTENER, '+publish');
  try {
    await eventually('the change arrives', async () => (await other.secrets.get('KEY')) === 'new');
    await eventually('nothing is pending', async () => mute.secrets.fleet.pending === 0);
    expect((await mute.secrets.set('KEY', 'newer')).announced).toBeUndefined();
  } finally {
    await valkey.run('ACL', 'SETUSER', LISTENER, '-publish');
  }
});
