import { Readable, Transform, pipeline, type TransformCallback } from 'node:stream';
import { read } from '../../core/errors/safe-access';
import { isSafeAddress } from './connection/endpoint';

/**
 * The largest answer that is read, in the sync worker, too. No service exceeds it: the largest answer is that of Secrets
 * Manager, twenty values of 64 KiB, with every character escaped.
 */
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** A command of any service. Each service has types of its own for its stack. */
interface AwsCommand {
  readonly middlewareStack: {
    use(plugin: { readonly applyToStack: (stack: unknown) => void }): void;
  };
}

/** The stack of a command, as every service has it. */
interface Stack {
  add(
    middleware: (next: Handler) => Handler,
    options: { readonly step: 'deserialize'; readonly priority: 'low' },
  ): void;
}

type Handler = (args: { readonly request: unknown }) => Promise<{ readonly response: unknown }>;

/**
 * Guards one call of the SDK. Refuses to send it to an `http:` address of another machine. Aborts an answer of more
 * than 8 MiB.
 */
export class CommandGuard {
  readonly #allowsInsecureHttp: boolean;
  #wasSent = false;

  constructor(allowsInsecureHttp: boolean) {
    this.#allowsInsecureHttp = allowsInsecureHttp;
  }

  /** `false` if the call failed before it was sent: credentials, region or address were missing. */
  get wasSent(): boolean {
    return this.#wasSent;
  }

  /** Adds the guard to a command and returns the same command. */
  protect<Command extends AwsCommand>(command: Command): Command {
    const options = { step: 'deserialize', priority: 'low' } as const;
    command.middlewareStack.use({
      applyToStack: (stack) => (stack as Stack).add((next) => this.watch(next), options),
    });
    return command;
  }

  private watch(next: Handler): Handler {
    return async (args) => {
      if (!this.#allowsInsecureHttp && !isSafeAddress(args.request)) {
        throw namedError('InsecureEndpoint');
      }
      this.#wasSent = true;
      const result = await next(args);
      limitBody(result.response);
      return result;
    };
  }
}

function limitBody(response: unknown): void {
  const body = read(response, 'body');
  if (!(body instanceof Readable)) return;
  const bounded = new BoundedBody();
  pipeline(body, bounded, () => undefined); // the SDK sees the failure in the stream that it reads
  Object.assign(response as object, { body: bounded });
}

class BoundedBody extends Transform {
  #bytes = 0;

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_ANSWER_BYTES) done(namedError('AnswerTooLarge'));
    else done(null, chunk);
  }
}

/** Creates an error that a row of `error-rows.ts` explains. */
function namedError(name: string): Error {
  return Object.assign(new Error(), { name });
}
