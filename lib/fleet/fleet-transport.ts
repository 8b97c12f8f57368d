/** The calls that a transport makes. None of them throws. */
export interface FleetTransportListener {
  /** Receives each message of the channel once, the own ones included. The bytes are the receiver's to keep. */
  message(message: Uint8Array): void;
  /**
   * Called each time the broker has confirmed the subscription: at the start, and after each reconnect. A message that
   * is published from then on arrives.
   */
  connected(): void;
  /**
   * Called when the client reports that the connection is lost, once for each `connected`. A frozen broker or a
   * half-open socket is not reported: no client notices it in time.
   */
  disconnected(): void;
}

/**
 * Carries messages between the instances of a fleet, over a broker that the team runs.
 *
 * Each subscriber gets each message that is published while it is connected, and messages of one publisher stay in
 * order. Nothing is kept for a subscriber that is cut. A message has at most 4 KiB of any bytes. A transport
 * reconnects by itself, and causes no unhandled rejection.
 */
export interface FleetTransport {
  /**
   * Resolves when the broker has the message. Rejects if it cannot be handed over. It may stay pending while the
   * broker is frozen, so callers set their own deadline.
   */
  publish(message: Uint8Array): Promise<void>;
  /**
   * Resolves at once, without waiting for the broker, to a function that unsubscribes. An abort of `signal`
   * unsubscribes, too. No call of the listener follows. The function resolves when the transport holds no socket and
   * no timer any more. The client that the team handed in stays open.
   */
  subscribe(
    on: FleetTransportListener,
    options: { readonly signal: AbortSignal },
  ): Promise<() => Promise<void>>;
}
