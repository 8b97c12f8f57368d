// Plain CommonJS, because a worker thread loads no TypeScript on Node 20: this way one file serves from `lib` and from `dist`.
'use strict';
const { workerData } = require('node:worker_threads');

/** @typedef {(request: any, onCancel: (cancel: () => void) => void) => Promise<unknown>} Handler */

/** The cells that both threads see, as `worker-thread.ts` has them. */
const ANSWERS = 0;
const STATE = 1;
const TAKEN = 2;
const READY = 1;
const ENDED = 2;

/**
 * Answers the thread that waits, until that ends. What `load` throws is the answer to every call.
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
    wake(); // whoever waits must not wait to the end
  });

  const handle = loaded(load);
  const tell = (/** @type {number} */ id, /** @type {object} */ outcome) => {
    if (!running.delete(id)) return; // nobody waits any more
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
      (answer) => tell(id, { answer }),
      (error) => tell(id, { error: traitsOf(error) }),
    );
  });
  Atomics.store(cells, STATE, READY);
}

/** @param {() => Handler} load */
function loaded(load) {
  try {
    return load();
  } catch (error) {
    return () => Promise.reject(error);
  }
}

/**
 * What may be told of an error: its class, its code and its status. Its text may quote what was sent.
 *
 * @param {any} error
 */
function traitsOf(error) {
  const { name, code = error?.cause?.code, status, $metadata } = Object(error);
  const numeric = typeof status === 'number' ? status : undefined;
  return { name, code, status: $metadata?.httpStatusCode ?? numeric };
}

module.exports = { serve };
