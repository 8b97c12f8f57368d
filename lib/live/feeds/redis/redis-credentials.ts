import { Logger } from '@nestjs/common';
import { errorName } from '../../../core/errors/error-table';
import { liveLogin, type LiveCredentials, type Login } from '../live-credentials';

/** The login of a connection, in the words of node-redis. */
export interface RedisLogin {
  readonly username?: string;
  readonly password: string;
}

/** The `StreamingCredentialsProvider` of node-redis. */
export interface RedisCredentialsProvider {
  readonly type: 'streaming-credentials-provider';
  readonly subscribe: (listener: {
    readonly onNext: (credentials: RedisLogin) => void;
    readonly onError: (error: Error) => void;
  }) => Promise<[RedisLogin, { dispose: () => void }]>;
  readonly onReAuthenticationError: (error: Error) => void;
}

/**
 * Returns the option `credentialsProvider` of node-redis. New connections log in with the credentials of the
 * moment, and connections that are open authenticate again at each change.
 *
 * An authentication that the server refuses is logged, and the connection keeps its former user.
 */
export function redisCredentials(credentials: LiveCredentials): RedisCredentialsProvider {
  const login = liveLogin('redisCredentials', credentials);
  // node-redis subscribes again at each reconnection. It forgets its former subscription, and does not dispose of it
  const forgotten = new FinalizationRegistry((stop: () => void) => stop());
  const report = (error: unknown): void =>
    new Logger('SecretManager').warn(
      `A connection of node-redis did not take ${login.names}: ${errorName(error) ?? 'an error'}.`,
    );
  return {
    type: 'streaming-credentials-provider',
    subscribe: async ({ onNext }) => {
      let isDisposed = false;
      const stop = login.onChange(async () => {
        const next = await login.get().catch(report);
        if (next !== undefined && !isDisposed) onNext(toRedisLogin(next));
      });
      const end = (): void => {
        isDisposed = true;
        stop();
      };
      const subscription = { dispose: () => end() };
      forgotten.register(subscription, end);
      try {
        return [toRedisLogin(await login.get()), subscription];
      } catch (error) {
        end();
        throw error;
      }
    },
    onReAuthenticationError: report,
  };
}

function toRedisLogin({ user, password }: Login): RedisLogin {
  return { password, ...(user !== undefined && { username: user }) };
}
