import { receiveMessageOnPort } from 'node:worker_threads';
import { SecretManagerError } from '../core/errors/secret-manager.error';
import { now } from '../core/time/clock';
import { CELL, STATE, startWorkerThread, type WorkerThread } from './worker-thread';

/** What a worker says to one call: an answer, or of an error no more than what it is classified by. */
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

/** A worker that runs but has not even taken a call for so long is given up. */
const STUCK_AFTER_MS = 1_000;
/** How often a thread that waits looks whether the worker still lives. */
const LIFE_CHECK_MS = 25;

/**
 * Has calls answered by a worker while this thread waits: one worker, kept for the next call, replaced when it dies. It
 * does not keep the process alive.
 */
export class BlockingWorker {
  readonly #file: string | undefined;
  readonly #variables: RegExp | undefined;
  #thread: WorkerThread | undefined;
  #lastId = 0;
  /** How long calls have waited since the worker took the last one. */
  #ignoredMs = 0;
  #isClosed = false;

  /**
   * @param file what the worker runs, made with `serve.cjs`; without one every call throws `MISCONFIGURED`
   * @param variables matches the names, in upper case, of environment variables that the worker needs besides those of the network
   */
  constructor(file: string | undefined, variables?: RegExp) {
    this.#file = file;
    this.#variables = variables;
  }

  /** Has the worker ready before it is needed. Throws `MISCONFIGURED` where there can be none. */
  start(): void {
    this.living();
  }

  /**
   * Returns what the worker answers. Throws `TIMEOUT` after `timeoutMs`, `UNAVAILABLE` if the worker dies, and else what
   * went wrong in it: an error with the class name and the code of the original, and nothing of its text.
   */
  call(request: object, timeoutMs: number): unknown {
    const thread = this.living();
    const id = (this.#lastId = (this.#lastId + 1) | 0);
    thread.port.postMessage({ id, request });
    const outcome = waitFor(id, thread, timeoutMs);
    if (outcome === 'ended') {
      this.giveUp(thread);
      throw new SecretManagerError('UNAVAILABLE', 'The worker of synchronous reads has ended.');
    }
    if (outcome === 'timed out') {
      thread.port.postMessage({ id }); // it need not go on
      this.#ignoredMs = isIgnored(id, thread) ? this.#ignoredMs + timeoutMs : 0;
      if (this.#ignoredMs >= STUCK_AFTER_MS) this.giveUp(thread);
      throw timedOut(timeoutMs);
    }
    this.#ignoredMs = 0;
    if (outcome.error !== undefined) throw errorWith(outcome.error);
    return outcome.answer;
  }

  /** Ends the worker. Calls after that throw `UNAVAILABLE`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.worker.terminate();
  }

  private living(): WorkerThread {
    if (this.#isClosed) {
      throw new SecretManagerError('UNAVAILABLE', 'The worker of synchronous reads was closed.');
    }
    const kept = this.#thread;
    if (kept !== undefined && stateOf(kept) !== STATE.ended) return kept;
    this.#ignoredMs = 0;
    return (this.#thread = startWorkerThread(this.#file, this.#variables));
  }

  private giveUp(thread: WorkerThread): void {
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
    const seen = Atomics.load(cells, CELL.answers); // first: what is posted from here on ends the wait
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

/** An answer to a call that was given up before is thrown away. */
function take(id: number, port: WorkerThread['port']): Outcome | undefined {
  for (;;) {
    const outcome = receiveMessageOnPort(port)?.message as Outcome | undefined;
    if (outcome === undefined || outcome.id === id) return outcome;
  }
}

function stateOf({ cells }: WorkerThread): number {
  return Atomics.load(cells, CELL.state);
}

/** Tells whether a worker that runs has not taken a call, because another one blocks it. */
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

/** It is to be translated as the original would have been. */
function errorWith({ name, code, status }: ErrorTraits): Error {
  if (code === 'MODULE_NOT_FOUND') {
    return new SecretManagerError(
      'MISCONFIGURED',
      'The worker of synchronous reads misses a package that it needs. Install the application with all its dependencies.',
    );
  }
  const traits = Object.entries({ name, code, status }).filter(([, trait]) => trait !== undefined);
  const told = traits.map(([, trait]) => String(trait)).join(', ');
  const error = new Error(`A synchronous request failed (${told}).`);
  return Object.assign(error, Object.fromEntries(traits));
}
