import { liveKnex, liveSequelize } from 'nestjs-custom-secret-manager/live';
import { closeApplications } from '../../../support/application';
import { startLive } from '../support';

interface Settings {
  readonly user: string;
  readonly password: string;
  readonly expirationChecker: () => boolean;
}

type Hook = (config: { username?: string; password?: unknown }) => Promise<void>;

const endOfTurn = (): Promise<void> => new Promise(setImmediate);

afterEach(closeApplications);

describe('liveKnex', () => {
  it('gives knex settings that expire at a change', async () => {
    const { secret, rotate } = await startLive({ DB: { username: 'a', password: '1' } });
    const { connection } = liveKnex(secret('DB'), { host: 'db', port: 5432 });
    const before = (await connection()) as unknown as Settings;
    await endOfTurn();
    const wasExpired = before.expirationChecker();

    await rotate('DB', { username: 'b', password: '2' });
    const after = (await connection()) as unknown as Settings;

    expect(before).toMatchObject({ host: 'db', port: 5432 });
    expect([before.user, before.password]).toEqual(['a', '1']);
    expect([wasExpired, before.expirationChecker()]).toEqual([false, true]);
    expect([after.user, after.password]).toEqual(['b', '2']);
    expect(after.expirationChecker()).toBe(false);
  });

  it('finds the connections that were made with the former login', async () => {
    const { secret, rotate } = await startLive({ DB: { username: 'a', password: '1' } });
    const { connection, pool } = liveKnex(secret('DB'), {});
    const settings = (await connection()) as unknown as Settings;
    /** As knex: one asynchronous function makes a connection, and calls `afterCreate`. */
    const make = async (
      from: Settings,
      until: Promise<void> = Promise.resolve(),
    ): Promise<object> => {
      await Promise.resolve();
      const made = { user: from.user };
      await until;
      await new Promise((resolve) => pool.afterCreate(made, resolve));
      return made;
    };
    let finish = (): void => undefined;
    const slow = make(settings, new Promise((resolve) => (finish = resolve)));
    const old = await make(settings);
    const validBefore = pool.validate(old);

    await rotate('DB', { username: 'b', password: '2' });
    finish();
    const next = (await connection()) as unknown as Settings;
    const connections = [old, await slow, await make(next)];

    expect(validBefore).toBe(true);
    expect(connections.map((made) => pool.validate(made))).toEqual([false, false, true]);
  });

  it('keeps the options of the pool, with hooks of their own', async () => {
    const { secret } = await startLive({ DB: { username: 'a', password: '1' } });
    const afterCreate = jest.fn((made: object, done: (error: null, made: object) => void) =>
      done(null, made),
    );
    const validate = jest.fn(() => false);
    const { connection, pool } = liveKnex(secret('DB'), {}, { min: 0, afterCreate, validate });
    const { user } = await connection();
    const made = { user };
    await new Promise((resolve) => pool.afterCreate(made, resolve));

    expect(pool.min).toBe(0);
    expect(pool.validate(made)).toBe(false);
    expect([afterCreate.mock.calls.length, validate.mock.calls.length]).toEqual([1, 1]);
  });

  it('keeps the user of the base if the credentials hold none', async () => {
    const { secret } = await startLive({ DB: { password: '1' } });
    const { connection } = liveKnex(secret('DB'), { user: 'app' });

    const { user, password } = await connection();

    expect([user, password]).toEqual(['app', '1']);
  });
});

describe('liveSequelize', () => {
  it('sets the login of each connection', async () => {
    const { secret, rotate } = await startLive({ DB: { username: 'a', password: '1' } });
    const hooks: Hook[] = [];
    liveSequelize({ addHook: (_, __, hook) => hooks.push(hook) }, secret('DB'));
    const config = { username: 'nobody', host: 'db' };

    await hooks[0]?.(config);
    const before = { ...config };
    await rotate('DB', { password: '2' });
    await hooks[0]?.(config);

    expect(before).toEqual({ username: 'a', password: '1', host: 'db' });
    expect(config).toEqual({ username: 'a', password: '2', host: 'db' });
  });
});
