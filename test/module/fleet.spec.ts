import { Module } from '@nestjs/common';
import {
  SecretManagerModule,
  SecretsService,
  getSecretsServiceToken,
  type SecretManagerModuleOptions,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { Bus, type BusTransport } from '../fleet/support/bus';
import { closeApplications, startApplication, startWith } from '../support/application';
import { failureOf } from '../support/failure-of';
import { hurryTime } from '../support/hurried-time';

type Fleet = NonNullable<SecretManagerModuleOptions['fleet']>;

const KEY = 'sk-canary-key-of-the-fleet';

afterEach(closeApplications);

describe('The option fleet', () => {
  const store = (): InMemorySecretManager => new InMemorySecretManager({ KEY: 'old' });
  const fleetOf = (given: Partial<Fleet> = {}): Fleet => ({
    transport: new Bus().transport(),
    key: KEY,
    spreadMs: 0,
    ...given,
  });

  it.each<[string, unknown, string]>([
    ['no object', 7, 'fleet must be { transport, key }, and is a number'],
    ['a short key', { key: 'sk-canary' }, 'fleet.key must have 16 bytes or more, and has 9'],
    ['no key', { key: undefined }, 'fleet.key must be a string, a function that returns one'],
    [
      'a transport without publish',
      { transport: { subscribe: () => undefined } },
      'has no publish()',
    ],
    ['no transport', { transport: undefined }, 'has no publish() and subscribe()'],
    ['no time to live', { disconnectedTtlMs: 0 }, 'fleet.disconnectedTtlMs must be a number'],
    ['seconds', { disconnectedTtlMs: 60 }, 'milliseconds, 100 or more, and is 60'],
    ['a negative spread', { spreadMs: -1 }, 'fleet.spreadMs must be a number'],
    ['an empty id', { id: '' }, 'fleet.id must be a name'],
    ['an unknown option', { ttl: 1 }, 'fleet."ttl" is not an option'],
  ])('refuses %s', async (_, given, problem) => {
    const fleet = typeof given === 'object' ? { ...fleetOf(), ...given } : given;

    const error = await failureOf(startWith(store(), { fleet: fleet as Fleet }));

    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(String(error)).toContain(problem);
    expect(String(error)).not.toContain('canary');
  });

  it.each<[string, Fleet['key']]>([
    ['a function', () => 'sk-canary'],
    ['a handle', { reveal: () => 'sk-canary' }],
  ])('refuses a short key of %s at the start', async (_, key) => {
    const error = await failureOf(startWith(store(), { fleet: fleetOf({ key }) }));

    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(String(error)).toContain('openssl rand -base64 32');
    expect(String(error)).not.toContain('canary');
  });

  it('refuses a key that its function does not have', async () => {
    const key = (): string => undefined as unknown as string; // a variable that is not set

    const error = await failureOf(startWith(store(), { fleet: fleetOf({ key }) }));

    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(String(error)).toContain('fleet.key must be a string, and is undefined');
  });

  it('refuses a key that is a promise, and handles its rejection', async () => {
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    const key = async (): Promise<string> => Promise.reject(new Error('sk-canary'));

    const error = await failureOf(
      startWith(store(), { fleet: fleetOf({ key: key as unknown as () => string }) }),
    );
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.off('unhandledRejection', unhandled);

    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(String(error)).toContain('fleet.key must be a string, and is a promise');
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('reports all its problems with the others in one error', async () => {
    const fleet = fleetOf({ key: 'x', spreadMs: NaN });

    const error = await failureOf(startWith(store(), { timeoutMs: -1, fleet }));

    expect(String(error).match(/^- /gm)).toHaveLength(3);
  });

  it('refuses one id with different keys in two registrations', async () => {
    const register = (name: string, key: string, id?: string) =>
      SecretManagerModule.forRoot({
        name,
        manager: { useFactory: store },
        fleet: fleetOf({ key, id }),
      });

    const error = await failureOf(
      startApplication({ imports: [register('a', KEY, 'one'), register('b', `${KEY} 2`, 'one')] }),
    );
    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(String(error)).toContain('"one", and different keys');

    const same = [register('a', KEY, 'one'), register('b', KEY, 'one')];
    await expect(startApplication({ imports: same })).resolves.toBeDefined();
    const others = [register('a', KEY), register('b', `${KEY} 2`)];
    await expect(startApplication({ imports: others })).resolves.toBeDefined();
  });

  it('takes the name of the registration as the id, and a handle of another one as the key', async () => {
    const bus = new Bus();
    const start = async (name: string) => {
      @Module({
        imports: [
          SecretManagerModule.forRoot({
            manager: { useFactory: () => new InMemorySecretManager({ FLEET_KEY: KEY }) },
            isGlobal: true,
          }),
          SecretManagerModule.forRootAsync({
            name,
            manager: { useFactory: () => shared },
            inject: [SecretsService],
            useFactory: (secrets: SecretsService) => ({
              fleet: {
                transport: bus.transport(),
                key: secrets.secret('FLEET_KEY'),
                spreadMs: 0,
              },
              settings: { accessMode: 'read_and_write' },
            }),
          }),
        ],
      })
      class AppModule {}
      const app = await startApplication({ imports: [AppModule] });
      return app.get<SecretsService>(getSecretsServiceToken(name), { strict: false });
    };
    const shared = store();
    const [one, other, stranger] = [await start('team'), await start('team'), await start('ops')];
    await other.get('KEY');
    await stranger.get('KEY');

    await one.set('KEY', 'new');
    await new Promise((resolve) => setTimeout(resolve, 10));

    expect(await other.get('KEY')).toBe('new');
    expect(stranger.fleet).toMatchObject({ received: 0, refused: 1 });
  });

  it('starts as cut where the broker refuses the login, and says so once, without the address', async () => {
    const restoreTime = hurryTime(10);
    const transport: BusTransport = new Bus().transport();
    const refused = Object.assign(new Error('sk-canary at nats://user:pass@host'), {
      code: 'ECONNREFUSED',
    });
    transport.subscribe = () => Promise.reject(refused);

    const { secrets, log } = await startWith(store(), { fleet: fleetOf({ transport }) });
    restoreTime();

    expect(secrets.fleet.state).toBe('cut');
    expect(await secrets.get('KEY')).toBe('old');
    expect(log.warnings).toHaveLength(1);
    expect(log.warnings.join()).toContain('the broker refused the subscription (UNAVAILABLE)');
    expect(log.warnings.join()).not.toMatch(/canary|pass/);
  });

  it('starts as cut where the source of the key fails, and connects when it works', async () => {
    const restoreTime = hurryTime(10);
    let isBroken = true;
    const key = (): string => {
      if (isBroken) throw new Error(KEY);
      return KEY;
    };
    const { secrets, log } = await startWith(store(), { fleet: fleetOf({ key }) });
    expect(secrets.fleet.state).toBe('cut');

    isBroken = false;
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    restoreTime();

    expect(secrets.fleet.state).toBe('connected');
    expect(log.lines.join()).not.toContain('canary');
  }, 10_000);

  it('publishes what is pending at the shutdown, and unsubscribes', async () => {
    const transport = new Bus().transport();
    const publish = jest.spyOn(transport, 'publish');
    const settings = { accessMode: 'read_and_write' as const };
    const { app, secrets } = await startWith(store(), { settings, fleet: fleetOf({ transport }) });
    await secrets.set('KEY', 'new');

    await app.close();

    expect(publish).toHaveBeenCalledTimes(1);
    expect(transport.isSubscribed).toBe(false);
  });

  it('holds up neither a write nor a shutdown where publishing hangs', async () => {
    const transport = new Bus().transport();
    transport.publish = () => new Promise(() => undefined);
    const settings = { accessMode: 'read_and_write' as const };
    const { app, secrets } = await startWith(store(), { settings, fleet: fleetOf({ transport }) });
    const startedAt = performance.now();

    await secrets.set('KEY', 'new');
    expect(performance.now() - startedAt).toBeLessThan(500);
    expect(secrets.fleet.pending).toBe(1);
    await app.close();

    expect(performance.now() - startedAt).toBeLessThan(2_500);
  });

  it('shows nothing of its key in an inspection of the service', async () => {
    const { secrets, app } = await startWith(store(), { fleet: fleetOf() });
    const { inspect } = await import('node:util');

    expect(inspect(secrets, { depth: 9, showHidden: true })).not.toContain('canary');
    expect(inspect(app, { depth: 9 })).not.toContain('canary');
  });
});
