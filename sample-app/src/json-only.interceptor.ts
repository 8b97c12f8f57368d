import { type IncomingMessage } from 'node:http';
import {
  Injectable,
  UnsupportedMediaTypeException,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { type Observable } from 'rxjs';

/** Refuses a body that is not JSON: it would be taken for none, and a key made without the limits that it asks for. */
@Injectable()
export class JsonOnlyInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { headers } = context.switchToHttp().getRequest<IncomingMessage>();
    const { 'content-length': length = 0, 'transfer-encoding': encoding } = headers;
    const hasBody = encoding !== undefined || Number(length) > 0;
    const isJson = /^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '');
    if (hasBody && !isJson) throw new UnsupportedMediaTypeException();
    return next.handle();
  }
}
