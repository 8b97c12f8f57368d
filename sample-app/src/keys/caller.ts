import { type IncomingMessage } from 'node:http';
import {
  Injectable,
  createParamDecorator,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { bearerOf } from './bearer';
import { GatewayKeys } from './gateway-keys';
import { notAuthenticated } from './key-errors';
import { MasterKey } from './master-key';

/** The caller of a completion. */
export interface Caller {
  /** The models that the caller may use. An empty list permits all. */
  readonly models: readonly string[];
}

type CallersRequest = IncomingMessage & { caller?: Caller };

/** Admits requests with a key of the gateway, or with the master key. */
@Injectable()
export class CallerGuard implements CanActivate {
  constructor(
    private readonly masterKey: MasterKey,
    private readonly keys: GatewayKeys,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<CallersRequest>();
    const key = bearerOf(request);
    if (key === undefined) throw notAuthenticated();
    request.caller = this.masterKey.matches(key)
      ? { models: [] }
      : await this.keys.authenticate(key);
    if (request.caller === undefined) throw notAuthenticated();
    return true;
  }
}

/** The caller that {@link CallerGuard} admitted. */
export const FromCaller = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest<CallersRequest>().caller,
);
