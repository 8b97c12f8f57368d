import { isIP } from 'node:net';
import { type IncomingMessage } from 'node:http';
import { HttpStatus, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { OpenAiError } from '../errors/openai-error';

/**
 * Refuses requests whose `Host` is a name that the gateway does not know. A foreign web page can point its own name
 * to the gateway (DNS rebinding). The browsers of its visitors could then read every answer that needs no key. This
 * guard protects the routes without a key. The other routes need a key, which no browser adds by itself. Addresses
 * and `localhost` are always permitted.
 */
@Injectable()
export class AllowedHostsGuard implements CanActivate {
  readonly #names: ReadonlySet<string>;

  /** Takes the names of `ALLOWED_HOSTS`, separated by commas, and the name in `HOST`. */
  constructor(config: ConfigService) {
    const { ALLOWED_HOSTS = '', HOST = '' } = {
      ALLOWED_HOSTS: config.get<string>('ALLOWED_HOSTS'),
      HOST: config.get<string>('HOST'),
    };
    const names = [...ALLOWED_HOSTS.split(','), HOST, 'localhost'];
    this.#names = new Set(names.map((name) => name.trim().toLowerCase()).filter(Boolean));
  }

  canActivate(context: ExecutionContext): boolean {
    const { host = '' } = context.switchToHttp().getRequest<IncomingMessage>().headers;
    const name = nameIn(host);
    if (name !== undefined && (isIP(name) !== 0 || this.#names.has(name))) return true;
    throw new OpenAiError(HttpStatus.MISDIRECTED, {
      message: 'The gateway does not answer to this Host. Add its name to ALLOWED_HOSTS.',
      type: 'invalid_request_error',
      code: 'host_not_allowed',
    });
  }
}

/** Returns the host in lower case, without its port, and an IPv6 address without its brackets. */
function nameIn(host: string): string | undefined {
  const [, address, name] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::\d{1,5})?$/i.exec(host) ?? [];
  return (address ?? name)?.toLowerCase().replace(/\.$/, '');
}
