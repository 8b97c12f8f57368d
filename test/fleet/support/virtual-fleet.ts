import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { VirtualTime, randomOf } from '../../support/virtual-time';
import { Bus } from './bus';
import { startInstance, type Instance } from './instances';

type Options = Parameters<typeof startInstance>[2];

/** Instances over one store and one bus, in virtual time. */
export class VirtualFleet {
  readonly time = new VirtualTime();
  readonly bus = new Bus();
  readonly store = new InMemorySecretManager({ KEY: 'old', OTHER: 'other' });
  readonly #instances: Instance[] = [];

  constructor() {
    this.time.install(randomOf(1));
  }

  /** The number of single reads of the store. */
  get reads(): number {
    return this.store.calls.filter(({ operation }) => operation === 'readSecret').length;
  }

  async start(options?: Options): Promise<Instance> {
    const starting = startInstance(this.store, this.bus, options);
    await this.time.advance(10);
    const instance = await starting;
    this.#instances.push(instance);
    return instance;
  }

  async startTwo(options?: Options): Promise<[Instance, Instance]> {
    return [await this.start(options), await this.start(options)];
  }

  async close(): Promise<void> {
    const closing = Promise.all(this.#instances.splice(0).map((instance) => instance.close()));
    await this.time.advance(3_000);
    await closing;
    this.time.uninstall();
  }
}
