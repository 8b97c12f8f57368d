import { HttpStatus, type PipeTransform } from '@nestjs/common';
import { OpenAiError } from './errors/openai-error';
import { validated } from './validated';

/** Converts a body or query to an object of the class. Throws a 400 with every problem. */
export class BodyPipe<T extends object> implements PipeTransform<unknown, T> {
  constructor(
    private readonly type: new () => T,
    private readonly options?: { readonly allowsOtherFields: boolean },
  ) {}

  transform(body: unknown = {}): T {
    const { value, problems } = validated(this.type, body, this.options);
    if (problems.length === 0) return value;
    throw new OpenAiError(HttpStatus.BAD_REQUEST, {
      message: problems.map(({ message }) => message).join('; '),
      type: 'invalid_request_error',
      param: problems[0]?.field,
    });
  }
}
