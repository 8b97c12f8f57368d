import { existsSync } from 'node:fs';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { SecretManagerError } from '../core/errors/secret-manager.error';
import { quoteName } from '../core/errors/wording';
import { Lifeline } from './lifeline';
import { networkFlags, workerEnvironment } from './worker-options';

/**
 * The cells that both threads share: the number of answers, the state of the worker, and the last call that it took.
 */
export const CELL = { answers: 0, state: 1, taken: 2 } as const;
export const STATE = { starting: 0, ready: 1, ended: 2 } as const;

/** A running worker, and its channels. */
export interface WorkerThread {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly cells: Int32Array;
  readonly lifeline: Lifeline;
}

interface WorkerData {
  readonly port: MessagePort;
  readonly cells: Int32Array;
  /** The end of the lifeline. The worker only keeps it. */
  readonly life: MessagePort;
}

/**
 * Starts a file in a worker that does not keep the process alive. Throws `MISCONFIGURED` if no worker can be started.
 *
 * @param variables matches the names, in upper case, of environment variables that the worker needs besides those of
 *   the network
 */
export function startWorkerThread(file: string | undefined, variables?: RegExp): WorkerThread {
  if (file === undefined || !existsSync(file)) throw missing(file);
  const { port1: port, port2 } = new MessageChannel();
  const cells = new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT));
  const lifeline = new Lifeline();
  const worker = newWorker(file, { port: port2, cells, life: lifeline.end }, variables);
  worker.on('error', () => undefined); // the end of the worker reports it
  worker.once('exit', () => {
    Atomics.store(cells, CELL.state, STATE.ended); // a worker that is out of memory cannot set its state
    lifeline.close();
  });
  worker.unref();
  return { worker, port, cells, lifeline };
}

function newWorker(file: string, workerData: WorkerData, variables?: RegExp): Worker {
  try {
    return new Worker(file, {
      name: 'secrets-sync',
      workerData,
      transferList: [workerData.port, workerData.life],
      env: workerEnvironment(variables),
      execArgv: networkFlags(),
    });
  } catch (error) {
    throw notPermitted(error);
  }
}

function missing(file: string | undefined): SecretManagerError {
  const which = file === undefined ? 'file of a worker' : `file ${quoteName(file)}`;
  return new SecretManagerError(
    'MISCONFIGURED',
    `Synchronous reads need the ${which}, which is not there. If the application is bundled, leave ` +
      'nestjs-custom-secret-manager out of the bundle (mark it as external).',
  );
}

function notPermitted(error: unknown): SecretManagerError {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  return new SecretManagerError(
    'MISCONFIGURED',
    code === 'ERR_ACCESS_DENIED'
      ? 'Synchronous reads need a worker thread, and the process may start none. Start Node with --allow-worker.'
      : 'Synchronous reads need a worker thread, and none could be started.',
  );
}
