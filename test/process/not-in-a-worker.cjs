// A module for `--require`, like a tracer.
'use strict';
const { isMainThread } = require('node:worker_threads');

if (!isMainThread) throw new Error('preloaded in a worker');
