import { assertIsLiveValue, type LiveValue } from './live-value';

/**
 * Returns a function for the option `password` of `pg`, TypeORM (postgres), postgres.js and Prisma's `adapter-pg`.
 * These clients call it for each new connection, and so log in with the password of the moment.
 *
 * The user stays the same. Where it changes with the password, use `livePgClient`.
 */
export function livePassword(secret: LiveValue): () => Promise<string> {
  assertIsLiveValue('livePassword', secret);
  return () => secret.get(); // pg passes an argument, which is no option
}
