import { liveRedis, redisCredentials } from 'nestjs-custom-secret-manager/live';
import { EventEmitter } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { closeApplications } from '../../../support/application';
import { CANARY, shown, startLive } from '../support';

interface Options {
  username?: string;
  password?: string;
}

/** As `Redis` of ioredis: it connects within its constructor. */
class FakeRedis extends EventEmitter {
  status = 'wait';
  mode = 'normal';
  readonly logins: Options[] = [];
  readonly sent: string[][] = [];
  refusal: Error | undefined;
  options: Options;

  constructor(options: Options = {}) {
    super();
    this.options = { ...options };
    void this.connect();
  }

  connect(): Promise<void> {
    this.status = 'ready';
    this.logins.push({ ...this.options });
    return Promise.resolve();
  }

  duplicate(override?: Options): FakeRedis {
    return new FakeRedis({ ...this.options, ...override });
  }

  auth(...login: string[]): Promise<void> {
    this.sent.push(login);
    return this.refusal === undefined ? Promise.resolve() : Promise.reject(this.refusal);
  }

  end(): void {
    this.status = 'end';
    this.emit('end');
  }
}

/** Has V8 collect what nobody holds, and report it. A collection of a large heap takes most of a second. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let isReported = false;
  const registry = new FinalizationRegistry(() => (isReported = true));
  registry.register({}, undefined);
  while (!isReported) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    collect();
  }
}

const endOfTurn = (): Promise<void> => new Promise(setImmediate);

afterEach(closeApplications);

describe('liveRedis', () => {
  it('connects, reconnects and duplicates with the login of the moment', async () => {
    const { secret, rotate } = await startLive({ REDIS: { username: 'a', password: '1' } });
    const redis = new (liveRedis(FakeRedis, secret('REDIS')))({ username: 'nobody' });
    await rotate('REDIS', { username: 'b', password: '2' });

    await redis.connect();
    const copy = redis.duplicate({ password: 'of the override' });

    expect(redis.logins).toEqual([
      { username: 'a', password: '1' },
      { username: 'b', password: '2' },
    ]);
    expect(copy.logins).toEqual([{ username: 'b', password: '2' }]);
    await rotate('REDIS', { username: 'c', password: '3' });
    expect(copy.sent).toEqual([['c', '3']]);
  });

  it.each([
    ['ready', 'normal', true],
    ['connect', 'normal', true],
    ['connecting', 'normal', true],
    ['reconnecting', 'normal', false],
    ['wait', 'normal', false],
    ['ready', 'subscriber', false],
    ['ready', 'monitor', false],
  ])('authenticates a connection that is %s in mode %s: %s', async (status, mode, isSent) => {
    const { secret, rotate } = await startLive({ REDIS: { password: '1' } });
    const redis = new (liveRedis(FakeRedis, secret('REDIS')))();
    Object.assign(redis, { status, mode });

    await rotate('REDIS', { password: '2' });

    expect(redis.sent).toEqual(isSent ? [['2']] : []);
  });

  it('stops at the end of the client, and starts again with it', async () => {
    const { secret, rotate } = await startLive({ REDIS: { password: '1' } });
    const redis = new (liveRedis(FakeRedis, secret('REDIS')))();
    redis.end();
    redis.status = 'ready';
    await rotate('REDIS', { password: '2' });
    const sentAfterEnd = [...redis.sent];

    await redis.connect();
    await rotate('REDIS', { password: '3' });

    expect([sentAfterEnd, redis.sent]).toEqual([[], [['3']]]);
  });

  it('keeps the former login while the secret cannot be read', async () => {
    const { secret, rotate } = await startLive({ REDIS: { password: '1' } });
    const redis = new (liveRedis(FakeRedis, secret('REDIS')))();

    await rotate('REDIS', 'no JSON');
    await redis.connect();

    expect(redis.logins).toEqual([{ password: '1' }, { password: '1' }]);
  });

  it('fails at once if there is no login', async () => {
    const { secret } = await startLive({});
    const Live = liveRedis(FakeRedis, secret('REDIS'));

    expect(() => new Live()).toThrow('"REDIS"');
  });

  it('logs a refusal without a value', async () => {
    const { secret, rotate, log } = await startLive({ REDIS: { password: '1' } });
    const redis = new (liveRedis(FakeRedis, secret('REDIS')))();
    redis.refusal = Object.assign(new Error(CANARY), { command: { args: [CANARY] } });

    await rotate('REDIS', { password: CANARY });
    await endOfTurn();

    expect(log.warnings.join()).toContain('A connection of ioredis did not take "REDIS": Error.');
    expect(log.lines.join()).not.toContain(CANARY);
  });

  it('refuses Cluster, and what is no class', async () => {
    const { secret } = await startLive({ REDIS: { password: '1' } });
    class Cluster extends FakeRedis {
      nodes(): void {
        return undefined;
      }
    }

    for (const given of [Cluster, undefined, {}, () => undefined] as never[]) {
      expect(() => liveRedis(given, secret('REDIS'))).toThrow('takes the class Redis of ioredis');
    }
  });
});

describe('redisCredentials', () => {
  it('tells each subscriber of a change until it is disposed of', async () => {
    const { secret, rotate } = await startLive({ REDIS: { username: 'a', password: '1' } });
    const provider = redisCredentials(secret('REDIS'));
    const told: unknown[] = [];
    const listener = { onNext: (next: unknown) => told.push(next), onError: () => undefined };
    const [first, { dispose }] = await provider.subscribe(listener);

    await rotate('REDIS', { username: 'b', password: '2' });
    await endOfTurn();
    dispose();
    await rotate('REDIS', { username: 'c', password: '3' });
    await endOfTurn();

    expect(provider.type).toBe('streaming-credentials-provider');
    expect(first).toEqual({ username: 'a', password: '1' });
    expect(told).toEqual([{ username: 'b', password: '2' }]);
  });

  it('keeps a subscriber with its login after a malformed change', async () => {
    const { secret, rotate, log } = await startLive({ REDIS: { password: '1' } });
    const onNext = jest.fn();
    await redisCredentials(secret('REDIS')).subscribe({ onNext, onError: () => undefined });

    await rotate('REDIS', CANARY);
    await endOfTurn();

    expect(onNext).not.toHaveBeenCalled();
    expect(log.warnings.join()).toContain('node-redis did not take "REDIS": SecretManagerError.');
    expect(shown(log.lines)).not.toContain(CANARY);
  });

  it('ends a subscription that node-redis has forgotten', async () => {
    const { secret, rotate } = await startLive({ REDIS: { password: '1' } });
    const provider = redisCredentials(secret('REDIS'));
    const told: string[] = [];
    const subscribe = async (connection: string): Promise<object> => {
      const onNext = (): void => void told.push(connection);
      const [, subscription] = await provider.subscribe({ onNext, onError: () => undefined });
      return subscription;
    };
    await subscribe('lost');
    const kept = [await subscribe('open')];

    for (let password = 2; told.length === 0 || told.includes('lost'); password++) {
      await collectGarbage(); // one collection does not find everything
      told.length = 0;
      await rotate('REDIS', { password: String(password) });
      await endOfTurn();
    }

    expect(told).toEqual(['open']);
    expect(kept).toHaveLength(1);
  });

  it('logs a failed authentication without its text', async () => {
    const { secret, log } = await startLive({ REDIS: { password: '1' } });

    redisCredentials(secret('REDIS')).onReAuthenticationError(new TypeError(CANARY));

    expect(log.warnings.join()).toContain('did not take "REDIS": TypeError.');
    expect(log.lines.join()).not.toContain(CANARY);
  });
});
