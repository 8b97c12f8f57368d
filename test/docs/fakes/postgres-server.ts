import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const ASK_FOR_PASSWORD = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]);
const LOGGED_IN = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);

/** Speaks the login part of PostgreSQL's protocol, and keeps the passwords of its clients. */
export class PostgresServer {
  readonly passwords: string[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server: Server = createServer((socket) => this.greet(socket));

  /** Listens on a free port, and resolves to it. */
  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  private greet(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('data', () => {
      socket.write(ASK_FOR_PASSWORD);
      socket.once('data', (message) => {
        this.passwords.push(message.subarray(5, -1).toString()); // 'p', a length, the text, a zero
        socket.write(LOGGED_IN);
      });
    });
  }
}
