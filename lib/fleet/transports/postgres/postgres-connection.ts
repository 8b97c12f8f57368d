import { settledWithin } from '../../../core/calls/waiting';
import { read } from '../../../core/errors/safe-access';
import type { OwnConnection } from '../own-connections';
import { closedError, PendingCalls } from '../pending-calls';
import type { ConnectionEvents } from '../subscription';

/** The part of a `Client` of `pg` that the transport uses. */
export interface PostgresClient {
  connect(): Promise<unknown>;
  query(text: string, values?: string[]): Promise<unknown>;
  end(): Promise<void>;
  on(
    event: 'notification',
    listener: (notification: { readonly channel: string; readonly payload?: string }) => void,
  ): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
}

export interface PostgresConnectionOptions {
  readonly connect: () => Promise<PostgresClient>;
  readonly channel: string;
  readonly events: ConnectionEvents;
}

/** A frozen server never answers the goodbye. */
const GOODBYE_WITHIN_MS = 250;

/** One connection to PostgreSQL that listens to a channel. */
export class PostgresConnection implements OwnConnection {
  readonly #options: PostgresConnectionOptions;
  /** A connect that is ended stays pending for ever. */
  readonly #calls = new PendingCalls();
  #connecting: Promise<PostgresClient> | undefined;
  #client: PostgresClient | undefined;
  #lastQuery: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: PostgresConnectionOptions) {
    this.#options = options;
  }

  async publish(message: Uint8Array): Promise<void> {
    const client = await this.#connect();
    const payload = Buffer.from(message).toString('base64');
    const { channel } = this.#options;
    await this.#calls.run(this.#query(client, 'select pg_notify($1, $2)', [channel, payload]));
  }

  async subscribe(): Promise<void> {
    const client = await this.#connect();
    if (this.#isClosed) return;
    await this.#query(client, `LISTEN "${this.#options.channel.replaceAll('"', '""')}"`);
  }

  /** Runs one query after the other. pg warns of a second one at the same time, and pg 9 refuses it. */
  async #query(client: PostgresClient, ...query: Parameters<PostgresClient['query']>) {
    const result = this.#lastQuery.then(() => client.query(...query));
    this.#lastQuery = result.catch(() => undefined);
    return await result;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#calls.fail(closedError());
    if (this.#client !== undefined) await closed(this.#client);
  }

  #connect(): Promise<PostgresClient> {
    this.#connecting ??= this.#connectOnce();
    return this.#connecting;
  }

  async #connectOnce(): Promise<PostgresClient> {
    const { channel, events, connect } = this.#options;
    const client = await connect();
    client.on('error', (error) => events.lost(error));
    client.on('end', () => events.lost(closedError()));
    client.on('notification', ({ channel: sender, payload = '' }) => {
      if (sender === channel) events.message(new Uint8Array(Buffer.from(payload, 'base64')));
    });
    if (this.#isClosed) return client;
    this.#client = client;
    await this.#calls.run(client.connect());
    return client;
  }
}

/** Ends a client. Destroys its socket if the server does not answer. */
async function closed(client: PostgresClient): Promise<void> {
  const ended = (async () => await client.end())().catch(() => undefined);
  if (await settledWithin(GOODBYE_WITHIN_MS, ended)) return;
  const stream = read(read(client, 'connection'), 'stream');
  if (isDestroyable(stream)) stream.destroy();
  await settledWithin(GOODBYE_WITHIN_MS, ended);
}

function isDestroyable(candidate: unknown): candidate is { destroy(): void } {
  return typeof read(candidate, 'destroy') === 'function';
}
