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
 * No answer of Secrets Manager is larger: twenty values of 64 KiB, each character escaped. The sync worker has the same
 * bound.
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
 * One call of the SDK on its way over the wire. Refuses to send it to an `http:` address of another machine, whatever set
 * that address, and ends an answer that is larger than 8 MiB.
 */
export class CommandGuard {
  readonly #allowsInsecureHttp: boolean;
  #wasSent = false;

  constructor(allowsInsecureHttp: boolean) {
    this.#allowsInsecureHttp = allowsInsecureHttp;
  }

  /** `false` if the call failed before it was sent: for want of credentials, a region or an address. */
  get wasSent(): boolean {
    return this.#wasSent;
  }

  /** Returns the same command, guarded. */
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
  pipeline(body, bounded, () => undefined); // the SDK gets the failure from the stream that it reads
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

/** An error that a row of `error-rows.ts` explains. */
function namedError(name: string): Error {
  return Object.assign(new Error(), { name });
}
