import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';

export interface AwsRequest {
  readonly action: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly headers: IncomingMessage['headers'];
}

export interface AwsAnswer {
  readonly status?: number;
  readonly body?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The treatment of a request: answered, never answered, cut off, answered in half, or answered without an end. */
export type Reply =
  | AwsAnswer
  | 'hang'
  | 'reset'
  | 'half'
  | 'endless'
  | 'endless failure'
  | ((request: AwsRequest) => Reply | undefined | Promise<Reply | undefined>);

/** Returns a refusal in the form of AWS. */
export function refusal(name: string, message = 'no more is said', status = 400): AwsAnswer {
  return { status, body: { __type: name, message } };
}

/** A fake of an AWS service over HTTP. Unset actions go to the server behind it, or find no secret. */
export class AwsEndpoint {
  readonly requests: AwsRequest[] = [];
  /** The number of bytes taken of endless answers. */
  endlessBytes = 0;
  readonly #replies = new Map<string, Reply[]>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server = createServer((request, response) => {
    this.serve(request, response).catch(() => response.destroy());
  });

  constructor(private readonly behind?: string) {}

  async start(): Promise<this> {
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.keepAliveTimeout = 60_000; // the client must close the connection
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The calls so far, by name. */
  get actions(): string[] {
    return this.requests.map(({ action }) => action);
  }

  /** The inputs of one of the calls. */
  inputsOf(action: string): AwsRequest['input'][] {
    return this.requests.filter((request) => request.action === action).map(({ input }) => input);
  }

  /**
   * Answers an action, or all (`*`), with these replies in order. The last reply repeats. No replies: the action is
   * unset.
   */
  reply(action: string, ...replies: readonly Reply[]): void {
    if (replies.length === 0) this.#replies.delete(action);
    else this.#replies.set(action, [...replies]);
  }

  /** Forgets all replies and requests. */
  clear(): void {
    this.#replies.clear();
    this.requests.length = 0;
  }

  /** Resolves when the clients have closed every connection. */
  async isLeft(): Promise<void> {
    const closed = [...this.#sockets].map((socket) => once(socket, 'close'));
    await Promise.all(closed);
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const { headers } = request;
    const action = String(headers['x-amz-target']).replace(/^.*\./, ''); // `AmazonSSM.GetParameter`
    const asked = { action, input: JSON.parse(body) as AwsRequest['input'], headers };
    this.requests.push(asked);
    const reply = (await this.next('*', asked)) ?? (await this.next(action, asked));
    if (reply === 'endless') await this.pour(response, 200);
    else if (reply === 'endless failure') await this.pour(response, 500);
    else send(response, reply ?? (await this.forward(headers, body)));
  }

  /** Sends until the client stops reading, up to 100 MB. */
  private async pour(response: ServerResponse, status: number): Promise<void> {
    const chunk = Buffer.alloc(1_048_576, 'x');
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
    response.write('{"SecretString":"');
    while (this.endlessBytes < 100_000_000 && !response.destroyed) {
      this.endlessBytes += chunk.length;
      if (!response.write(chunk)) {
        await Promise.race([once(response, 'drain'), once(response, 'close')]);
      }
    }
    response.end();
  }

  private async next(action: string, request: AwsRequest): Promise<Reply | undefined> {
    const replies = this.#replies.get(action) ?? [];
    const reply = replies.length > 1 ? replies.shift() : replies[0];
    return typeof reply === 'function' ? await reply(request) : reply;
  }

  private async forward(headers: IncomingMessage['headers'], body: string): Promise<AwsAnswer> {
    const { authorization = '', 'x-amz-target': target = '', host = '' } = headers;
    if (this.behind === undefined) return absence(String(target));
    const sent = { authorization, 'x-amz-target': String(target), 'x-forwarded-host': host };
    const response = await fetch(this.behind, {
      method: 'POST',
      headers: { ...sent, 'content-type': 'application/x-amz-json-1.1', connection: 'close' },
      body,
    });
    return { status: response.status, body: await response.text() };
  }
}

function absence(target: string): AwsAnswer {
  const isParameter = target.startsWith('AmazonSSM.');
  return refusal(isParameter ? 'ParameterNotFound' : 'ResourceNotFoundException');
}

function send(response: ServerResponse, reply: Reply): void {
  if (reply === 'hang' || reply === 'endless' || reply === 'endless failure') return;
  if (typeof reply === 'function') return;
  if (reply === 'reset') return void response.socket?.resetAndDestroy();
  if (reply === 'half') {
    response.writeHead(200, { 'content-length': 1_000 });
    response.write('{"SecretString":"', () => response.destroy());
    return;
  }
  const { status = 200, body = {}, headers } = reply;
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}
