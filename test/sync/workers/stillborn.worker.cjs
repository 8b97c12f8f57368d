// Dies before it can say anything.
'use strict';
throw new Error('canary-of-a-start');
