import { request } from 'undici';
import { LocalServer, type Received, type Reply } from './local-server';

/** Of one connection, and not for the next. */
const HOP_BY_HOP = /^(connection|keep-alive|transfer-encoding|content-length|host)$/;

/** Stands before a server: keeps what it is asked, and answers in its place where it is told to. */
export class Proxy extends LocalServer {
  /** The answer to give in the server's place; `undefined` lets the request through. */
  instead: (received: Received) => Reply | undefined = () => undefined;

  constructor(server: string) {
    super((received) => this.instead(received) ?? forward(server, received));
  }

  /** How often somebody has logged in, or tried to. */
  get logins(): number {
    return this.count(/ \/v1\/auth\/.+\/login/);
  }

  /** The token that came last. */
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
