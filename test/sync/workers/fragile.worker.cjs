// A worker that follows orders, and reports its thread id.
'use strict';
const { threadId } = require('node:worker_threads');
const { serve } = require('../../../lib/sync/serve.cjs');

serve(() => async ({ todo, value }) => {
  if (todo === 'exit') process.exit(1);
  if (todo === 'vanish') {
    process.removeAllListeners('exit'); // like a worker that has run out of memory
    process.exit(1);
  }
  if (todo === 'vanish soon') {
    process.removeAllListeners('exit');
    setTimeout(() => process.exit(1), 20);
    return { threadId };
  }
  if (todo === 'environment') return { environment: { ...process.env }, flags: process.execArgv };
  if (todo === 'crash')
    process.nextTick(() => {
      throw new Error('canary-of-a-crash');
    });
  if (todo === 'fail')
    throw Object.assign(new TypeError('canary-of-a-failure'), { code: 'ECONNRESET', sent: value });
  if (todo === 'throw nothing') throw undefined;
  if (todo === 'spin') for (;;);
  if (todo !== undefined) await new Promise(() => undefined);
  return { threadId, value };
});
