import { AsyncLocalStorage } from 'node:async_hooks';
import { runAtEndOfTurn } from '../../../core/time/event-loop-turns';
import { assertTakes, isObject } from '../client-shape';
import { liveLogin, type LiveCredentials, type Login } from '../live-credentials';

/** Hands a connection to knex. */
export type KnexDone = (error: Error | null, connection: object) => void;

/** The options of knex's pool with which the feed works together. Other options are passed on. */
export interface KnexPool {
  readonly min?: number;
  readonly max?: number;
  readonly afterCreate?: (connection: never, done: KnexDone) => void;
  readonly validate?: (connection: never) => boolean | Promise<boolean>;
}

export interface LiveKnexOptions<Base extends object, Pool extends object> {
  readonly connection: () => Promise<Base & { user: string; password: string }>;
  readonly pool: Pool & {
    readonly afterCreate: (connection: object, done: KnexDone) => void;
    readonly validate: (connection: object) => boolean | Promise<boolean>;
  };
}

/**
 * Returns the options `connection` and `pool` of knex, which Objection and MikroORM 6 take, too. After a change
 * each connection of the pool is replaced when it is acquired the next time.
 *
 * knex asks one `expirationChecker` for the whole pool, and so replaces one connection. `pool.validate` replaces
 * the others. Connections are told apart by the login that they were made with.
 *
 * @param base the options of the connection without the password: host, port, database, ...
 * @param pool further options of the pool
 */
export function liveKnex<Base extends object, Pool extends KnexPool = object>(
  credentials: LiveCredentials,
  base: Base,
  pool: Pool = {} as Pool,
): LiveKnexOptions<Base, Pool> {
  assertTakes('liveKnex', 'an object with the options of the connection', isObject(base));
  assertTakes('liveKnex', 'an object with the options of the pool', isObject(pool));
  const login = liveLogin('liveKnex', credentials);
  let generation = 0;
  login.onChange(() => void (generation += 1));
  const beingMade = new AsyncLocalStorage<number>();
  const madeIn = new WeakMap<object, number | undefined>();

  const connection = async (): Promise<Base & { user: string; password: string }> => {
    let ofLogin: number;
    let taken: Login;
    do {
      ofLogin = generation;
      taken = await login.get();
    } while (ofLogin !== generation);
    const settings = hidden(base, taken, () => beingMade.enterWith(ofLogin));
    let isFirstTurn = true; // knex refuses settings that expire in the turn in which it gets them
    runAtEndOfTurn(() => (isFirstTurn = false));
    const expirationChecker = (): boolean => !isFirstTurn && ofLogin !== generation;
    return Object.assign(settings, { expirationChecker });
  };

  const afterCreate = (made: object, done: KnexDone): void => {
    madeIn.set(made, beingMade.getStore());
    if (pool.afterCreate === undefined) return done(null, made);
    pool.afterCreate(made as never, done);
  };

  const validate = (made: object): boolean | Promise<boolean> =>
    madeIn.get(made) === generation && (pool.validate?.(made as never) ?? true);

  return { connection, pool: { ...pool, afterCreate, validate } };
}

/** Returns settings that show neither user nor password. `onRead` is called when a connection reads the user. */
function hidden<Base extends object>(
  base: Base,
  { user, password }: Login,
  onRead: () => void,
): Base & { user: string; password: string } {
  const userOf = (): unknown => {
    onRead();
    return user ?? Reflect.get(base, 'user');
  };
  return Object.defineProperties({ ...base } as Base & { user: string; password: string }, {
    user: { get: userOf },
    password: { get: () => password },
  });
}
