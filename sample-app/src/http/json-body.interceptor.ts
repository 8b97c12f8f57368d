import { type IncomingMessage, type ServerResponse } from 'node:http';
import {
  HttpStatus,
  Injectable,
  SetMetadata,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type Observable } from 'rxjs';
import { BodyBudget } from './body-budget';
import { refusedBody, tooComplex } from './body-errors';
import { exceededBound } from './json-bounds';
import { readBody } from './read-body';

const LIMIT = 'gateway:body-limit';
const DEFAULT_LIMIT_BYTES = 100 * 1024;
const TIMEOUT_MS = 60_000;
/** The bounds of a body. Parsing and validating so many values takes less than a second. */
const BOUNDS = { maxDepth: 200, maxValues: 250_000 } as const;

/** Permits larger bodies than 100 KiB at a route, or at all routes of a controller. */
export const BodyLimit = (bytes: number): ClassDecorator & MethodDecorator =>
  SetMetadata(LIMIT, bytes);

type RequestWithBody = IncomingMessage & { body?: unknown };

/**
 * Reads and parses the JSON body of a request. Nest runs it after the guards, so no body is read without a key. The
 * application must be created with `bodyParser: false`.
 */
@Injectable()
export class JsonBodyInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly budget: BodyBudget,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const request = http.getRequest<RequestWithBody>();
    if (request.method !== 'GET' && request.method !== 'HEAD' && hasBody(request)) {
      const targets = [context.getHandler(), context.getClass()];
      const limitBytes =
        this.reflector.getAllAndOverride<number | undefined>(LIMIT, targets) ?? DEFAULT_LIMIT_BYTES;
      request.body ??= await this.read(request, http.getResponse<ServerResponse>(), limitBytes);
    }
    return next.handle();
  }

  private async read(
    request: IncomingMessage,
    response: ServerResponse,
    limitBytes: number,
  ): Promise<unknown> {
    if (!isJson(request)) throw refusedBody(HttpStatus.UNSUPPORTED_MEDIA_TYPE);
    const take = this.budget.reserveFor(response);
    return parse(await readBody(request, { limitBytes, timeoutMs: TIMEOUT_MS, take }));
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  const { 'content-length': length = 0, 'transfer-encoding': encoding } = headers;
  return encoding !== undefined || Number(length) > 0;
}

function isJson({ headers }: IncomingMessage): boolean {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  const charset = parameters.map((each) => each.trim()).find((each) => each.startsWith('charset='));
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  const isPlain = (headers['content-encoding'] ?? 'identity') === 'identity';
  return /^application\/([\w.-]+\+)?json$/.test(type.trim()) && isUtf8 && isPlain;
}

/** Parses JSON. Throws a 400 for anything else. The error of the parser would quote the body. */
function parse(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  const text = textOf(body);
  const exceeded = exceededBound(text, BOUNDS);
  if (exceeded !== undefined) throw tooComplex(exceeded, BOUNDS[exceeded]);
  try {
    return JSON.parse(text);
  } catch {
    throw refusedBody(HttpStatus.BAD_REQUEST);
  }
}

function textOf(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw refusedBody(HttpStatus.BAD_REQUEST);
  }
}
