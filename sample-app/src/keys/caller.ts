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

/** Whoever asks for a completion. */
export interface Caller {
  /** Which models it may use; none in the list means all. */
  readonly models: readonly string[];
}

type CallersRequest = IncomingMessage & { caller?: Caller };

/** Lets those pass who show a key of the gateway, or the master key. */
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

/** The caller that {@link CallerGuard} let pass. */
export const FromCaller = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest<CallersRequest>().caller,
);
