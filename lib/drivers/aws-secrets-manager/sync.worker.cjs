// Plain CommonJS, because a worker thread loads no TypeScript on Node 20: this way one file serves from `lib` and from `dist`.
'use strict';
const { serve } = require('../../sync/serve.cjs');

serve(() => {
  const sdk = require('@aws-sdk/client-secrets-manager');
  const commands = {
    GetSecretValue: sdk.GetSecretValueCommand,
    DescribeSecret: sdk.DescribeSecretCommand,
  };
  /** @type {import('@aws-sdk/client-secrets-manager').SecretsManagerClient | undefined} */
  let client;

  return async ({ config, action, input }, onCancel) => {
    client ??= new sdk.SecretsManagerClient({
      ...config,
      maxAttempts: 1,
      retryStrategy: { retry: (/** @type {any} */ next, /** @type {any} */ args) => next(args) },
    });
    const controller = new AbortController();
    onCancel(() => controller.abort());
    const command = new commands[/** @type {keyof typeof commands} */ (action)](input);
    const ask = () =>
      client?.send(/** @type {any} */ (command), { abortSignal: controller.signal });
    try {
      return { output: await ask()?.catch((error) => repeat(error, ask)) };
    } catch (error) {
      return { thrown: tellable(error) };
    }
  };
});

/**
 * Once more if the SDK has learnt from the answer what time it is at AWS.
 *
 * @param {any} error
 * @param {() => any} ask
 */
function repeat(error, ask) {
  if (error?.$metadata?.clockSkewCorrected !== true) throw error;
  return ask();
}

/**
 * What the thread that waits understands the failure by: the text as well, by which AWS alone says that a secret is pending
 * deletion. It is looked at there, and goes no further.
 *
 * @param {any} error
 */
function tellable(error) {
  const { name, message, code = error?.cause?.code, $metadata, $response } = Object(error);
  const statusCode = $metadata?.httpStatusCode ?? $response?.statusCode;
  const retryAfter = $response?.headers?.['retry-after'];
  return { name, message, code, statusCode, retryAfter };
}
