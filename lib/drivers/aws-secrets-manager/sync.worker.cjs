// Plain CommonJS, because a worker thread loads no TypeScript on Node 20: this way one file serves from `lib` and from `dist`.
'use strict';
const { Readable, Transform, pipeline } = require('node:stream');
const { serve } = require('../../sync/serve.cjs');

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[?::1\]?)$/;

serve(() => {
  const sdk = require('@aws-sdk/client-secrets-manager');
  const commands = {
    GetSecretValue: sdk.GetSecretValueCommand,
    DescribeSecret: sdk.DescribeSecretCommand,
  };
  /** @type {import('@aws-sdk/client-secrets-manager').SecretsManagerClient | undefined} */
  let client;

  return async ({ config, guard, action, input }, onCancel) => {
    client ??= new sdk.SecretsManagerClient({
      ...config,
      maxAttempts: 1,
      retryStrategy: { retry: (/** @type {any} */ next, /** @type {any} */ args) => next(args) },
    });
    const controller = new AbortController();
    onCancel(() => controller.abort());
    const exchange = new Exchange(guard);
    const ask = () =>
      client?.send(
        exchange.guard(new commands[/** @type {keyof typeof commands} */ (action)](input)),
        { abortSignal: controller.signal },
      );
    try {
      const region = guard.itsRegion && (await client.config.region());
      if (region !== guard.itsRegion) return { region };
      const output = await ask()?.catch((/** @type {any} */ error) => repeat(error, ask));
      return { output, hasBegun: exchange.hasBegun };
    } catch (error) {
      return { thrown: tellable(error), hasBegun: exchange.hasBegun };
    }
  };
});

/** The guard of `exchange.ts`, which says why. */
class Exchange {
  hasBegun = false;

  /** @param {{ allowInsecureHttp: boolean, maxBytes: number }} limits */
  constructor(limits) {
    this.limits = limits;
  }

  guard(/** @type {any} */ command) {
    command.middlewareStack.add(
      (/** @type {any} */ next) => async (/** @type {any} */ args) => {
        const { allowInsecureHttp, maxBytes } = this.limits;
        if (!allowInsecureHttp && !isSafe(args.request)) throw named('InsecureEndpoint');
        this.hasBegun = true;
        const result = await next(args);
        bound(result.response, maxBytes);
        return result;
      },
      { step: 'deserialize', priority: 'low' },
    );
    return command;
  }
}

/** @param {{ protocol: string, hostname: string }} request */
function isSafe({ protocol, hostname }) {
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
}

/**
 * @param {{ body?: unknown }} response
 * @param {number} maxBytes
 */
function bound(response, maxBytes) {
  if (!(response.body instanceof Readable)) return;
  let bytes = 0;
  const bounded = new Transform({
    transform(chunk, _, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) done(named('AnswerTooLarge'));
      else done(null, chunk);
    },
  });
  pipeline(response.body, bounded, () => undefined);
  response.body = bounded;
}

function named(/** @type {string} */ name) {
  return Object.assign(new Error(), { name });
}

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
