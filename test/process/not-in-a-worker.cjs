// To be preloaded, as a tracer is.
'use strict';
const { isMainThread } = require('node:worker_threads');

if (!isMainThread) throw new Error('preloaded in a worker');
