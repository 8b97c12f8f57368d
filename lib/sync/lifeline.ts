import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';

/**
 * Tells a blocked thread, which gets no events, whether a worker lives. The worker keeps one end of a channel. That
 * end closes with the worker, and a port of a closed channel cannot be transferred.
 */
export class Lifeline {
  readonly #loop = new MessageChannel();
  /** The end for the worker. */
  readonly end: MessagePort;
  #here: MessagePort;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#here = port1;
    this.end = port2;
  }

  /** Tells whether the worker has ended. Costs 30 µs. */
  isCut(): boolean {
    receiveMessageOnPort(this.#here); // makes Node notice a closed other end
    try {
      this.#loop.port1.postMessage(this.#here, [this.#here]);
    } catch {
      return true;
    }
    this.#here = receiveMessageOnPort(this.#loop.port2)?.message as MessagePort;
    return false;
  }

  /** Releases the ports of this thread. */
  close(): void {
    this.#loop.port1.close();
    this.#here.close();
  }
}
