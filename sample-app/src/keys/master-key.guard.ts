import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { type IncomingMessage } from 'node:http';
import { bearerOf } from './bearer';
import { notAuthenticated } from './key-errors';
import { MasterKey } from './master-key';

@Injectable()
export class MasterKeyGuard implements CanActivate {
  constructor(private readonly masterKey: MasterKey) {}

  canActivate(context: ExecutionContext): boolean {
    const key = bearerOf(context.switchToHttp().getRequest<IncomingMessage>());
    if (key !== undefined && this.masterKey.matches(key)) return true;
    throw notAuthenticated();
  }
}
