// Plain CommonJS, because a worker thread on Node 20 loads no TypeScript. One file serves `lib` and `dist`.
'use strict';
const { serveSdk } = require('../aws/serve-sdk.cjs');

serveSdk(() => {
  const sdk = require('@aws-sdk/client-kms');
  return { Client: sdk.KMSClient, commands: { Decrypt: sdk.DecryptCommand } };
});
