import { Logger } from '@nestjs/common';
import { errorName } from '../../../core/errors/error-table';
import { assertTakes, isClassWith } from '../client-shape';
import { liveLogin, type LiveCredentials, type LiveLogin } from '../live-credentials';

type ConnectCallback = (error?: Error | null) => void;

/** The part of `Redis` of ioredis that the feed uses. ioredis reads `options` at each connection. */
interface RedisClient {
  readonly status: string;
  readonly mode: string;
  readonly options: { username?: string; password?: string };
  connect(callback?: ConnectCallback): Promise<void>;
  duplicate(override?: object): object;
  auth(...login: string[]): Promise<unknown>;
  once(event: 'end', listener: () => void): unknown;
}

/** The states of a connection that has taken its login. A later one needs an `AUTH`. */
const LOGGED_IN: readonly string[] = ['connecting', 'connect', 'ready'];

/**
 * Returns a subclass of `Redis` of ioredis, also for BullMQ. Each connection, reconnection and `duplicate()` takes
 * the credentials of the moment. A connection that is open sends `AUTH` at each change, except in subscriber mode
 * and in monitor mode.
 *
 * The secret must be loaded, by `forFeature` or `preload`, or the manager must have a synchronous read. Cluster and
 * Sentinel are not covered.
 */
export function liveRedis<Class extends new (...args: never[]) => object>(
  Redis: Class,
  credentials: LiveCredentials,
): Class {
  const isRedis = isClassWith('duplicate', Redis) && !isClassWith('nodes', Redis);
  assertTakes('liveRedis', 'the class Redis of ioredis. Cluster is not covered', isRedis);
  const login = liveLogin('liveRedis', credentials);
  // ioredis connects within its constructor, before a private field of a subclass is there
  const listening = new WeakSet<RedisClient>();

  class LiveRedis extends (Redis as unknown as new (...args: unknown[]) => RedisClient) {
    override connect(callback?: ConnectCallback): Promise<void> {
      try {
        takeLogin(this, login);
      } catch (error) {
        if (this.options.password === undefined) throw error; // else the former login serves on
      }
      if (!listening.has(this)) {
        listening.add(this);
        const stop = login.onChange(() => authenticate(this, login));
        this.once('end', () => {
          stop();
          listening.delete(this);
        });
      }
      const { username: user, password = '' } = this.options;
      const connected = super.connect(callback);
      // commands in flight wait for a login, so that nobody else would find out that it was refused
      connected.catch(() => login.renew({ user, password }));
      return connected;
    }

    override duplicate(override?: object): object {
      return new LiveRedis({ ...this.options, ...override });
    }
  }

  return LiveRedis as unknown as Class;
}

/** Gives the client the login of the moment. */
function takeLogin({ options }: RedisClient, login: LiveLogin): void {
  const { user, password } = login.reveal();
  Object.assign(options, { password, ...(user !== undefined && { username: user }) });
}

async function authenticate(client: RedisClient, login: LiveLogin): Promise<void> {
  try {
    takeLogin(client, login);
    if (!LOGGED_IN.includes(client.status) || client.mode !== 'normal') return;
    const { username, password = '' } = client.options;
    await client.auth(...(username === undefined ? [password] : [username, password]));
  } catch (error) {
    const name = errorName(error) ?? 'an error'; // the error of ioredis holds the password
    new Logger('SecretManager').warn(
      `A connection of ioredis did not take ${login.names}: ${name}.`,
    );
  }
}
