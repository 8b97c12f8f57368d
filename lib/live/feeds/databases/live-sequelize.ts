import { assertTakes, hasMethod } from '../client-shape';
import { liveLogin, type LiveCredentials } from '../live-credentials';

/** The part of Sequelize that the feed uses. */
export interface SequelizeHooks {
  addHook(
    hook: 'beforeConnect',
    name: string,
    set: (config: { username?: string; password?: unknown }) => Promise<void>,
  ): unknown;
}

/**
 * Adds a hook `beforeConnect`, so that each new connection logs in with the user and the password of the moment.
 * Credentials without a user leave the user of the options.
 *
 * A connection that is open keeps its user. `pool.maxUses` and `pool.idle` bound its life.
 */
export function liveSequelize(sequelize: SequelizeHooks, credentials: LiveCredentials): void {
  assertTakes('liveSequelize', 'an instance of Sequelize', hasMethod('addHook', sequelize));
  const login = liveLogin('liveSequelize', credentials);
  sequelize.addHook('beforeConnect', 'liveSequelize', async (config) => {
    const { user, password } = await login.get();
    Object.assign(config, { password, ...(user !== undefined && { username: user }) });
  });
}
