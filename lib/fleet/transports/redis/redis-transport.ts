import { read } from '../../../core/errors/safe-access';
import {
  SecretManagerError,
  type SecretManagerErrorCode,
} from '../../../core/errors/secret-manager.error';
import type { FleetTransport, FleetTransportListener } from '../../fleet-transport';
import { assertChannel, assertOptions, DEFAULT_CHANNEL } from '../client-checks';
import { FailureWarnings, firstWord } from '../failure-warnings';
import { redisDialect, type RedisClient, type RedisDialect } from './redis-dialect';
import { startSubscription, Subscription } from '../subscription';

export interface RedisTransportOptions {
  /** The channel of the messages. Default `nestjs-custom-secret-manager.fleet`. A key prefix does not apply. */
  readonly channel?: string;
}

/**
 * A transport over the publish/subscribe of Redis or Valkey, for a client of ioredis 5 or 6, or of node-redis 4 to 6.
 *
 * The transport publishes through the client, which stays open. It subscribes through a `duplicate()` of it, whatever
 * `keyPrefix`, `lazyConnect`, `enableOfflineQueue` and the strategy for reconnects are. A client of node-redis must be
 * connected by the team.
 *
 * Throws `MISCONFIGURED` for a client of another shape, for a cluster, and for an empty channel.
 */
export class RedisTransport implements FleetTransport {
  readonly #redis: RedisDialect;
  readonly #channel: string;
  readonly #warnings = new FailureWarnings('RedisTransport');

  constructor(client: RedisClient, options: RedisTransportOptions = {}) {
    this.#redis = redisDialect(client);
    assertOptions('RedisTransport', options, ['channel']);
    const { channel = DEFAULT_CHANNEL } = options;
    this.#channel = assertChannel('RedisTransport', 'channel', channel);
  }

  async publish(message: Uint8Array): Promise<void> {
    const { buffer, byteOffset, byteLength } = message;
    try {
      await this.#redis.publish(this.#channel, Buffer.from(buffer, byteOffset, byteLength));
    } catch (error) {
      throw refusalOf(error) ?? error;
    }
  }

  async subscribe(
    on: FleetTransportListener,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<() => Promise<void>> {
    const subscription = new Subscription(
      (events) => this.#redis.subscriber(this.#channel, events),
      on,
      this.#warnings,
    );
    return startSubscription(subscription, signal);
  }
}

const REFUSALS: Readonly<Record<string, SecretManagerErrorCode>> = {
  NOPERM: 'ACCESS_DENIED',
  NOAUTH: 'UNAUTHENTICATED',
};

/** Returns the error for a login that may not publish. Its reply may quote the user. */
function refusalOf(error: unknown): SecretManagerError | undefined {
  const reply = firstWord(read(error, 'message'));
  const code = reply === undefined ? undefined : REFUSALS[reply];
  if (reply === undefined || code === undefined) return undefined;
  return new SecretManagerError(code, `The broker of RedisTransport refuses PUBLISH (${reply}).`);
}
