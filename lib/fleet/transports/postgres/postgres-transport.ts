import { read } from '../../../core/errors/safe-access';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { kindOf } from '../../../core/errors/wording';
import type { FleetTransport, FleetTransportListener } from '../../fleet-transport';
import {
  assertChannel,
  assertOptions,
  DEFAULT_CHANNEL,
  hasMethods,
  misconfigured,
  shown,
} from '../client-checks';
import { FailureWarnings } from '../failure-warnings';
import { OwnConnections } from '../own-connections';
import { PostgresConnection, type PostgresClient } from './postgres-connection';

export interface PostgresTransportOptions {
  /** Returns a new client that is not connected, as `() => new Client({ ... })`. Called for each connection. */
  readonly connect: () => PostgresClient | Promise<PostgresClient>;
  /** The channel of `LISTEN`, at most 63 bytes. Default `nestjs-custom-secret-manager.fleet`. */
  readonly channel?: string;
}

/** PostgreSQL cuts longer names at LISTEN without a word, and refuses them at NOTIFY. */
const LONGEST_CHANNEL_BYTES = 63;
/** NOTIFY takes less than 8 000 bytes, and base64 makes four of three. */
const LONGEST_MESSAGE_BYTES = 5_997;

/**
 * A transport over `LISTEN` and `NOTIFY` of PostgreSQL, for clients of `pg` 8. It needs a connection of its own, without
 * a pooler in between, and reconnects by itself. It is for up to about 50 instances, because each message wakes every
 * session that listens.
 *
 * Throws `MISCONFIGURED` if `connect` is no function, and for a channel that is empty or too long.
 */
export class PostgresTransport implements FleetTransport {
  readonly #connections: OwnConnections;

  constructor(options: PostgresTransportOptions) {
    assertOptions('PostgresTransport', options, ['connect', 'channel']);
    const { connect, channel = DEFAULT_CHANNEL } = options;
    assertConnect(connect);
    assertFits(assertChannel('PostgresTransport', 'channel', channel));
    const client = async (): Promise<PostgresClient> => {
      const created: unknown = await connect();
      assertIsClient(created);
      return created;
    };
    this.#connections = new OwnConnections(
      (events) => new PostgresConnection({ connect: client, channel, events }),
      new FailureWarnings('PostgresTransport'),
    );
  }

  async publish(message: Uint8Array): Promise<void> {
    if (message.byteLength > LONGEST_MESSAGE_BYTES) {
      const problem = `A message of PostgresTransport has at most ${LONGEST_MESSAGE_BYTES} bytes.`;
      throw new SecretManagerError('INVALID_ARGUMENT', problem, { operation: 'publish' });
    }
    await this.#connections.publish(message);
  }

  async subscribe(
    on: FleetTransportListener,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<() => Promise<void>> {
    return this.#connections.subscribe(on, signal);
  }
}

function assertConnect(connect: unknown): void {
  if (typeof connect === 'function') return;
  misconfigured(
    'PostgresTransport',
    `needs a function \`connect\` that returns a new Client of pg, and got ${kindOf(connect)}.`,
  );
}

function assertIsClient(client: unknown): asserts client is PostgresClient {
  const isPool = read(client, 'totalCount') !== undefined;
  if (!isPool && hasMethods(client, ['connect', 'query', 'end', 'on'])) return;
  misconfigured(
    'PostgresTransport',
    `needs a new Client of pg from \`connect\`, and got ${isPool ? 'a Pool' : shown(client)}.`,
  );
}

function assertFits(channel: string): void {
  const bytes = Buffer.byteLength(channel);
  if (bytes <= LONGEST_CHANNEL_BYTES) return;
  misconfigured(
    'PostgresTransport',
    `needs a \`channel\` of at most ${LONGEST_CHANNEL_BYTES} bytes, and got ${bytes}.`,
  );
}
