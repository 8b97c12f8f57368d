import { assertTakes, isClassWith } from '../client-shape';
import { liveLogin, type LiveCredentials } from '../live-credentials';

type ConnectCallback = (error?: Error) => void;

/** The part of `pg.Client` that the feed uses. `pg` documents neither `user` nor `connectionParameters`. */
interface PgClient {
  user?: string;
  password?: unknown;
  readonly connectionParameters?: { user?: string; password?: unknown };
  connect(callback?: ConnectCallback): unknown;
  end(...args: unknown[]): unknown;
}

/**
 * Returns a subclass of `pg.Client` that takes user and password at each connection. It is for the option `Client`
 * of `pg.Pool`, and for `extra: { Client }` of TypeORM.
 *
 * The option `user` is the user of credentials that hold a password only. Give the option `database`: its default
 * is the name of the user in the options. A connection that is open keeps its user.
 */
export function livePgClient<Class extends new (...args: never[]) => object>(
  Client: Class,
  credentials: LiveCredentials,
): Class {
  assertTakes('livePgClient', 'the class Client of pg', isClassWith('connect', Client));
  const login = liveLogin('livePgClient', credentials);

  class LivePgClient extends (Client as unknown as new (...args: unknown[]) => PgClient) {
    #isEnded = false;

    override connect(callback?: ConnectCallback): unknown {
      const connected = this.connectWithLogin();
      if (callback === undefined) return connected;
      connected.then(
        () => callback(),
        (error: Error) => callback(error),
      );
      return undefined;
    }

    override end(...args: unknown[]): unknown {
      this.#isEnded = true;
      return super.end(...args);
    }

    private async connectWithLogin(): Promise<this> {
      const { user = this.user, password } = await login.get();
      if (this.#isEnded) throw new Error('Connection terminated');
      Object.assign(this, { user, password });
      Object.assign(this.connectionParameters ?? {}, { user, password });
      await super.connect();
      return this;
    }
  }

  return LivePgClient as unknown as Class;
}
