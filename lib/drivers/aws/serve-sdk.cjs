// Plain CommonJS, because a worker thread on Node 20 loads no TypeScript. One file serves `lib` and `dist`.
'use strict';
const { Readable, Transform, pipeline } = require('node:stream');
const { serve } = require('../../sync/serve.cjs');

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[?::1\]?)$/;

/**
 * Serves commands of an SDK in a worker. `load` returns the class of the client, and the classes of the commands by
 * their names. It runs once, in the worker.
 *
 * @param {() => { Client: new (config: object) => any, commands: Record<string, new (input: any) => any> }} load
 */
exports.serveSdk = (load) =>
  serve(() => {
    const { Client, commands } = load();
    /** @type {any} */
    let client;

    return async ({ config, limits, action, input }, onCancel) => {
      client ??= new Client({
        ...config,
        maxAttempts: 1,
        retryStrategy: { retry: (/** @type {any} */ next, /** @type {any} */ args) => next(args) },
      });
      const controller = new AbortController();
      onCancel(() => controller.abort());
      const guard = new CommandGuard(limits);
      const Command = commands[action] ?? missingCommand(action);
      const ask = () =>
        client.send(guard.protect(new Command(input)), { abortSignal: controller.signal });
      try {
        const region = limits.itsRegion && (await client.config.region());
        if (region !== limits.itsRegion) return { region };
        const output = await ask().catch((/** @type {any} */ error) =>
          retryOnCorrectedClock(error, ask),
        );
        return { output, wasSent: guard.wasSent };
      } catch (error) {
        return { thrown: serializeError(error), wasSent: guard.wasSent };
      }
    };
  });

/** The same guard as in `command-guard.ts`. */
class CommandGuard {
  wasSent = false;

  /** @param {{ allowInsecureHttp: boolean, maxBytes: number }} limits */
  constructor(limits) {
    this.limits = limits;
  }

  protect(/** @type {any} */ command) {
    command.middlewareStack.add(
      (/** @type {any} */ next) => async (/** @type {any} */ args) => {
        const { allowInsecureHttp, maxBytes } = this.limits;
        if (!allowInsecureHttp && !isSafe(args.request)) throw namedError('InsecureEndpoint');
        this.wasSent = true;
        const result = await next(args);
        limitBody(result.response, maxBytes);
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
function limitBody(response, maxBytes) {
  if (!(response.body instanceof Readable)) return;
  let bytes = 0;
  const bounded = new Transform({
    transform(chunk, _, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) done(namedError('AnswerTooLarge'));
      else done(null, chunk);
    },
  });
  pipeline(response.body, bounded, () => undefined);
  response.body = bounded;
}

/**
 * @param {string} action
 * @returns {never}
 */
function missingCommand(action) {
  throw new Error(`The worker has no command ${action}.`);
}

function namedError(/** @type {string} */ name) {
  return Object.assign(new Error(), { name });
}

/**
 * Sends the request again if the SDK has corrected its clock from the answer.
 *
 * @param {any} error
 * @param {() => any} ask
 */
function retryOnCorrectedClock(error, ask) {
  if (error?.$metadata?.clockSkewCorrected !== true) throw error;
  return ask();
}

/**
 * Returns the parts of an error that the calling thread needs. The text is included, because AWS reports a pending
 * deletion only there. It goes no further.
 *
 * @param {any} error
 */
function serializeError(error) {
  const { name, message, code = error?.cause?.code, $metadata, $response } = Object(error);
  const statusCode = $metadata?.httpStatusCode ?? $response?.statusCode;
  const retryAfter = $response?.headers?.['retry-after'];
  return { name, message, code, statusCode, retryAfter };
}
