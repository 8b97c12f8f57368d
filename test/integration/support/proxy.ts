import { request } from 'undici';
import { LocalServer, type Received, type Reply } from './local-server';

/** The headers of one connection, which are not forwarded. */
const HOP_BY_HOP = /^(connection|keep-alive|transfer-encoding|content-length|host)$/;

/** A proxy in front of a server. It records requests, and can answer in place of the server. */
export class Proxy extends LocalServer {
  /** Returns the answer in place of the server. `undefined` forwards the request. */
  instead: (received: Received) => Reply | undefined = () => undefined;

  constructor(server: string) {
    super((received) => this.instead(received) ?? forward(server, received));
  }

  /** The number of logins and attempted logins. */
  get logins(): number {
    return this.count(/ \/v1\/auth\/.+\/login/);
  }

  /** The token of the last request. */
  get token(): string {
    const tokens = this.received.map(({ headers }) => headers['x-vault-token']);
    return tokens.findLast((token) => token !== undefined) ?? '';
  }
}

async function forward(server: string, { method, path, headers, body }: Received): Promise<Reply> {
  try {
    const { statusCode: status, ...answer } = await request(server + path, {
      method: method as 'GET',
      headers: passing(headers),
      body: body || undefined,
    });
    return { status, headers: passing(answer.headers), content: await answer.body.text() };
  } catch {
    return { status: 502 };
  }
}

function passing(headers: object): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.test(name));
  return Object.fromEntries(kept);
}
