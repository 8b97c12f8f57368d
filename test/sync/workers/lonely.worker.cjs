// A worker that needs a missing package.
'use strict';
const { serve } = require('../../../lib/sync/serve.cjs');

serve(() => require('a-package-that-is-not-installed'));
