/** The part of a `NatsConnection` of `@nats-io/transport-node` that the transport uses. */
export interface NatsClient {
  publish(subject: string, payload: Uint8Array): void;
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: { readonly data: Uint8Array }) => void },
  ): { unsubscribe(): void };
  flush(): Promise<void>;
  closed(): Promise<unknown>;
  status(): AsyncIterable<{ readonly type: string }>;
  isClosed(): boolean;
  close(): Promise<void>;
}
