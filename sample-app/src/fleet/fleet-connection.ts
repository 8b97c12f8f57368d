import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import type { FleetOptions } from 'nestjs-custom-secret-manager/fleet';
import { chooseTransport, type Connection } from './choose-transport';

/** A change of a key takes effect on every instance within this time, plus one read of the store. */
const SPREAD_MS = 50;

/**
 * The connection of this instance to the others, over the broker of the environment variable `FLEET`. `FLEET_KEY` is the
 * key that all instances share. Without `FLEET` the instance knows nothing of others.
 */
@Injectable()
export class FleetConnection implements OnApplicationShutdown {
  #connection: Connection | undefined;

  constructor(private readonly config: ConfigService) {}

  async options(): Promise<FleetOptions | undefined> {
    const address = this.config.get<string>('FLEET');
    if (!address) return undefined;
    const key = this.config.get<string>('FLEET_KEY');
    if (!key) throw new Error('FLEET needs FLEET_KEY, the same for all: openssl rand -base64 32');
    this.#connection = await chooseTransport(address);
    return { transport: this.#connection.transport, key, spreadMs: SPREAD_MS };
  }

  onApplicationShutdown(): void {
    this.#connection?.close();
  }
}
