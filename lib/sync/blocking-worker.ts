import { receiveMessageOnPort } from 'node:worker_threads';
import { SecretManagerError } from '../core/errors/secret-manager.error';
import { now } from '../core/time/clock';
import { CELL, STATE, startWorkerThread, type WorkerThread } from './worker-thread';

/** The outcome of one call: an answer, or the traits by which an error is classified. */
interface Outcome {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: ErrorTraits;
}

interface ErrorTraits {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly status?: unknown;
}

/** The wait after which a running worker is replaced, if it has not taken a single call. */
const STUCK_AFTER_MS = 1_000;
/** The interval at which a waiting thread checks that the worker lives. */
const LIFE_CHECK_MS = 25;

/**
 * Calls a worker, and waits for its answer. One worker serves all calls, and is replaced when it dies. It does not
 * keep the process alive.
 */
export class BlockingWorker {
  readonly #file: string | undefined;
  readonly #variables: RegExp | undefined;
  #thread: WorkerThread | undefined;
  #lastId = 0;
  /** The time that calls have waited since the worker took the last one. */
  #ignoredMs = 0;
  #isClosed = false;

  /**
   * @param file the file of the worker, made with `serve.cjs`; without one, every call throws `MISCONFIGURED`
   * @param variables matches the names, in upper case, of environment variables that the worker needs besides those
   *   of the network
   */
  constructor(file: string | undefined, variables?: RegExp) {
    this.#file = file;
    this.#variables = variables;
  }

  /** Starts the worker before the first call. Throws `MISCONFIGURED` if no worker can be started. */
  start(): void {
    this.ensureThread();
  }

  /**
   * Returns the answer of the worker. Throws `TIMEOUT` after `timeoutMs`, and `UNAVAILABLE` if the worker dies.
   * Another failure throws an error with the class name and the code of the original, without its text.
   */
  call(request: object, timeoutMs: number): unknown {
    const thread = this.ensureThread();
    const id = (this.#lastId = (this.#lastId + 1) | 0);
    thread.port.postMessage({ id, request });
    const outcome = waitFor(id, thread, timeoutMs);
    if (outcome === 'ended') {
      this.terminate(thread);
      throw new SecretManagerError('UNAVAILABLE', 'The worker of synchronous reads has ended.');
    }
    if (outcome === 'timed out') {
      thread.port.postMessage({ id }); // cancels the call
      this.#ignoredMs = isIgnored(id, thread) ? this.#ignoredMs + timeoutMs : 0;
      if (this.#ignoredMs >= STUCK_AFTER_MS) this.terminate(thread);
      throw timedOut(timeoutMs);
    }
    this.#ignoredMs = 0;
    if (outcome.error !== undefined) throw errorWith(outcome.error);
    return outcome.answer;
  }

  /** Ends the worker. Later calls throw `UNAVAILABLE`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.worker.terminate();
  }

  private ensureThread(): WorkerThread {
    if (this.#isClosed) {
      throw new SecretManagerError('UNAVAILABLE', 'The worker of synchronous reads was closed.');
    }
    const current = this.#thread;
    if (current !== undefined && stateOf(current) !== STATE.ended) return current;
    this.#ignoredMs = 0;
    return (this.#thread = startWorkerThread(this.#file, this.#variables));
  }

  private terminate(thread: WorkerThread): void {
    this.#thread = undefined;
    thread.worker.terminate().catch(() => undefined);
  }
}

function waitFor(
  id: number,
  thread: WorkerThread,
  timeoutMs: number,
): Outcome | 'ended' | 'timed out' {
  const { port, cells, lifeline } = thread;
  const endsAt = now() + timeoutMs;
  for (;;) {
    const seen = Atomics.load(cells, CELL.answers); // before the look: later answers end the wait
    const hasEnded = stateOf(thread) === STATE.ended;
    const outcome = take(id, port);
    if (outcome !== undefined) return outcome;
    if (hasEnded) return 'ended';
    const leftMs = Math.max(0, endsAt - now());
    const waited = Atomics.wait(cells, CELL.answers, seen, Math.min(leftMs, LIFE_CHECK_MS));
    if (waited !== 'timed-out') continue;
    if (lifeline.isCut()) return take(id, port) ?? 'ended';
    if (leftMs <= LIFE_CHECK_MS) return take(id, port) ?? 'timed out';
  }
}

/** Returns the outcome of a call. Discards the answers of calls that timed out. */
function take(id: number, port: WorkerThread['port']): Outcome | undefined {
  for (;;) {
    const outcome = receiveMessageOnPort(port)?.message as Outcome | undefined;
    if (outcome === undefined || outcome.id === id) return outcome;
  }
}

function stateOf({ cells }: WorkerThread): number {
  return Atomics.load(cells, CELL.state);
}

/** Tells whether a running worker has not taken a call, because another call blocks it. */
function isIgnored(id: number, { cells }: WorkerThread): boolean {
  const hasTaken = Atomics.load(cells, CELL.taken) === id;
  return !hasTaken && Atomics.load(cells, CELL.state) === STATE.ready;
}

function timedOut(timeoutMs: number): SecretManagerError {
  return new SecretManagerError(
    'TIMEOUT',
    `There was no answer within ${Math.round(timeoutMs)} ms. Check the store, or give it more time with \`timeoutMs\`. (A ` +
      'server in the thread that waits cannot answer: that thread stands still.)',
  );
}

/** Returns an error with the traits of the original, so that both are translated alike. */
function errorWith({ name, code, status }: ErrorTraits): Error {
  if (code === 'MODULE_NOT_FOUND') {
    return new SecretManagerError(
      'MISCONFIGURED',
      'The worker of synchronous reads misses a package that it needs. Install the application with all its dependencies.',
    );
  }
  const traits = Object.entries({ name, code, status }).filter(([, trait]) => trait !== undefined);
  const list = traits.map(([, trait]) => String(trait)).join(', ');
  const error = new Error(`A synchronous request failed (${list}).`);
  return Object.assign(error, Object.fromEntries(traits));
}
