import { existsSync } from 'node:fs';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { SecretManagerError } from '../core/secret-manager.error';
import { quoteName } from '../core/secret-name';

/** What both threads see: how many answers were posted, how the worker is, and which call it took last. */
export const CELL = { answers: 0, state: 1, taken: 2 } as const;
export const STATE = { starting: 0, ready: 1, ended: 2 } as const;

/** A worker that runs, and the ways to it. */
export interface WorkerThread {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly cells: Int32Array;
}

/** Of the flags of the application, those that say how to connect; its preloads and its `--eval` are not for a worker. */
const NETWORK_FLAG =
  /^--((tls|dns|network)-[\w-]+=.+|tls-(min|max)-v[\d.]+|no-network-family-autoselection)$/;

/** Starts a file in a worker that does not keep the process alive. Throws `MISCONFIGURED` where that cannot be done. */
export function startWorkerThread(file: string | undefined): WorkerThread {
  if (file === undefined || !existsSync(file)) throw missing(file);
  const { port1: port, port2 } = new MessageChannel();
  const cells = new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT));
  const worker = newWorker(file, { port: port2, cells });
  worker.on('error', () => undefined); // whoever waits is told by the worker's end
  worker.unref();
  return { worker, port, cells };
}

function newWorker(file: string, workerData: { port: MessagePort; cells: Int32Array }): Worker {
  try {
    return new Worker(file, {
      name: 'secrets-sync',
      workerData,
      transferList: [workerData.port],
      execArgv: process.execArgv.filter((flag) => NETWORK_FLAG.test(flag)),
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
