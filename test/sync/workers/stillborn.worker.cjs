// A worker that exits before it can report anything.
'use strict';
throw new Error('canary-of-a-start');
