import type { FleetTransport } from 'nestjs-custom-secret-manager/fleet';
import { eventually } from './eventually';

/** A subscription that counts its connections and keeps what it hears, as text. */
export class Hearing {
  readonly heard: string[] = [];
  connections = 0;
  isCut = true;
  #unsubscribe: (() => Promise<void>) | undefined;

  constructor(private readonly transport: FleetTransport) {}

  /** Resolves when the broker has confirmed the subscription. */
  static async of(transport: FleetTransport): Promise<Hearing> {
    const hearing = new Hearing(transport);
    await hearing.listen();
    await eventually('it is connected', () => !hearing.isCut);
    return hearing;
  }

  async listen(): Promise<void> {
    this.isCut = true;
    this.#unsubscribe = await this.transport.subscribe(
      {
        message: (message) => this.heard.push(Buffer.from(message).toString()),
        connected: () => {
          this.connections += 1;
          this.isCut = false;
        },
        disconnected: () => {
          this.isCut = true;
        },
      },
      { signal: new AbortController().signal },
    );
  }

  async end(): Promise<void> {
    await this.#unsubscribe?.();
  }

  /** Publishes a text until another hears it. The client of the team may need a moment to reconnect. */
  async says(text: string, other: Hearing): Promise<void> {
    await eventually(`"${text}" is heard`, async () => {
      const pause = new Promise((resolve) => setTimeout(resolve, 200));
      await Promise.race([this.transport.publish(Buffer.from(text)).catch(() => pause), pause]);
      return other.heard.includes(text);
    });
  }
}
