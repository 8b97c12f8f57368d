import type {
  $Command,
  SecretsManagerClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from '@aws-sdk/client-secrets-manager';
import { Readable, Transform, pipeline, type TransformCallback } from 'node:stream';
import { read } from '../../../core/errors/safe-access';
import { isSafeAddress } from './endpoint';

/**
 * The largest answer that is read, in the sync worker, too. Secrets Manager never exceeds it: twenty values of 64
 * KiB, with every character escaped.
 */
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

type AwsCommand<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = $Command<
  Input,
  Output,
  SecretsManagerClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes
>;

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
  protect<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    command: AwsCommand<Input, Output>,
  ): AwsCommand<Input, Output> {
    command.middlewareStack.add(
      (next) => async (args) => {
        if (!this.#allowsInsecureHttp && !isSafeAddress(args.request)) {
          throw namedError('InsecureEndpoint');
        }
        this.#wasSent = true;
        const result = await next(args);
        limitBody(result.response);
        return result;
      },
      { step: 'deserialize', priority: 'low' },
    );
    return command;
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
