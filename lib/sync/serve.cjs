// Plain CommonJS: a worker thread loads no TypeScript on Node 20. The same file runs from `lib` and from `dist`.
'use strict';
const { workerData } = require('node:worker_threads');

/** @typedef {(request: any, onCancel: (cancel: () => void) => void) => Promise<unknown>} Handler */

/** The cells that both threads share, as in `worker-thread.ts`. */
const ANSWERS = 0;
const STATE = 1;
const TAKEN = 2;
const READY = 1;
const ENDED = 2;

/**
 * Answers the calls of the waiting thread until it ends. If `load` throws, every call fails with its error.
 *
 * @param {() => Handler} load
 */
function serve(load) {
  /** @type {{ port: import('node:worker_threads').MessagePort, cells: Int32Array }} */
  const { port, cells } = workerData;
  /** @type {Map<number, () => void>} */
  const running = new Map();

  const wake = () => {
    Atomics.add(cells, ANSWERS, 1);
    Atomics.notify(cells, ANSWERS);
  };
  process.once('exit', () => {
    Atomics.store(cells, STATE, ENDED);
    wake(); // the waiting thread must not wait until its deadline
  });

  const handle = loadHandler(load);
  const report = (/** @type {number} */ id, /** @type {object} */ outcome) => {
    if (!running.delete(id)) return; // the call was cancelled
    port.postMessage({ id, ...outcome });
    wake();
  };
  port.on('message', ({ id, request }) => {
    if (request === undefined) {
      running.get(id)?.();
      running.delete(id);
      return;
    }
    Atomics.store(cells, TAKEN, id);
    running.set(id, () => undefined);
    handle(request, (cancel) => running.set(id, cancel)).then(
      (answer) => report(id, { answer }),
      (error) => report(id, { error: traitsOf(error) }),
    );
  });
  Atomics.store(cells, STATE, READY);
}

/** @param {() => Handler} load */
function loadHandler(load) {
  try {
    return load();
  } catch (error) {
    return () => Promise.reject(error);
  }
}

/**
 * Returns the traits of an error that may be reported: class, code and status. The text may quote the request.
 *
 * @param {any} error
 */
function traitsOf(error) {
  const { name, code = error?.cause?.code, status, $metadata } = Object(error);
  const numeric = typeof status === 'number' ? status : undefined;
  return { name, code, status: $metadata?.httpStatusCode ?? numeric };
}

module.exports = { serve };
