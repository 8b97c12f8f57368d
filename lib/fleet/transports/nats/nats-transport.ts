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
import type { NatsClient } from './nats-client';
import { NatsConnection } from './nats-connection';
import { FunctionDialler, givenClient } from './nats-dialler';
import { OwnConnections } from '../own-connections';

export interface NatsTransportOptions {
  /** The subject of the messages. Default `nestjs-custom-secret-manager.fleet`. */
  readonly subject?: string;
}

const METHODS = ['publish', 'subscribe', 'flush', 'closed', 'status', 'isClosed', 'close'];

/**
 * A transport over NATS, for a connection of `@nats-io/transport-node` 3.
 *
 * Given a connection, the transport uses it and leaves it open. Connect with `maxReconnectAttempts: -1`: by default the
 * client closes for good after ten attempts, and the transport cannot open it again.
 *
 * Given a function that connects, the transport opens a connection of its own, closes it when it unsubscribes, and
 * calls the function again if the connection has closed.
 *
 * Throws `MISCONFIGURED` for a client of another shape, and for a subject that is empty or has a wildcard.
 */
export class NatsTransport implements FleetTransport {
  readonly #connections: OwnConnections;

  constructor(
    client: NatsClient | (() => NatsClient | Promise<NatsClient>),
    options: NatsTransportOptions = {},
  ) {
    assertOptions('NatsTransport', options, ['subject']);
    const { subject = DEFAULT_CHANNEL } = options;
    assertSubject(subject);
    const warnings = new FailureWarnings('NatsTransport');
    const isOwn = typeof client === 'function';
    if (!isOwn) assertIsClient(client);
    if (!isOwn && givesUp(client)) warnOfGivingUp(warnings);
    const dialler = isOwn
      ? new FunctionDialler(async () => clientOf(await client()))
      : givenClient(client);
    this.#connections = new OwnConnections(
      (events) => new NatsConnection({ dialler, subject, events }),
      {
        threw: (error) => warnings.threw(error),
        failed: (reason) => {
          if (!isOwn && client.isClosed()) warnOfGivingUp(warnings);
          else warnings.failed(reason);
        },
      },
    );
  }

  async publish(message: Uint8Array): Promise<void> {
    await this.#connections.publish(message);
  }

  async subscribe(
    on: FleetTransportListener,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<() => Promise<void>> {
    return this.#connections.subscribe(on, signal);
  }
}

function assertIsClient(client: unknown): asserts client is NatsClient {
  if (hasMethods(client, METHODS)) return;
  misconfigured(
    'NatsTransport',
    `needs a connection of @nats-io/transport-node, or a function that connects, and got ${shown(client)}.`,
  );
}

function clientOf(connected: unknown): NatsClient {
  assertIsClient(connected);
  return connected;
}

function assertSubject(subject: unknown): void {
  const given = assertChannel('NatsTransport', 'subject', subject);
  const isPlain = given.split('.').every((token) => /^[^\s*>]+$/u.test(token));
  if (isPlain) return;
  misconfigured(
    'NatsTransport',
    'needs a `subject` of tokens with a dot between them, without spaces and wildcards.',
  );
}

/** Returns whether a connection closes for good after some attempts. Its options are not part of its types. */
function givesUp(client: NatsClient & { options?: { maxReconnectAttempts?: number } }): boolean {
  const attempts = client.options?.maxReconnectAttempts;
  return attempts !== undefined && attempts !== -1;
}

function warnOfGivingUp(warnings: FailureWarnings): void {
  warnings.warn(
    'FLEET_NATS_GIVES_UP',
    'The connection of NatsTransport closes for good when NATS is away for long, and cannot be opened again. ' +
      'Connect with maxReconnectAttempts: -1 and waitOnFirstConnect: true, or give NatsTransport a function that connects.',
  );
}
