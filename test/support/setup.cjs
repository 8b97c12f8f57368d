const { AsyncLocalStorage } = require('node:async_hooks');

/** Keeps the number of frames that Node itself has. Jest wants 100, and maps each frame to its source. */
Error.stackTraceLimit = 10;

disableEarlierStorages();

/**
 * Disables the storages of earlier test files. jest-circus makes one for each file and never disables it. On Node 20
 * and 22 each promise pays for each storage of the worker.
 */
function disableEarlierStorages() {
  const used = (AsyncLocalStorage[Symbol.for('used in this worker')] ??= recordUses());
  for (const storage of used) storage.disable();
  used.clear();
}

function recordUses() {
  const used = new Set();
  const { run } = AsyncLocalStorage.prototype;
  AsyncLocalStorage.prototype.run = function (...given) {
    used.add(this);
    return run.apply(this, given);
  };
  return used;
}
