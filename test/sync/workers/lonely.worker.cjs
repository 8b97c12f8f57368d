// Needs a package that is not there.
'use strict';
const { serve } = require('../../../lib/sync/serve.cjs');

serve(() => require('a-package-that-is-not-installed'));
