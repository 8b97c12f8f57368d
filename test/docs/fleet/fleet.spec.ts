import { SECRET_MANAGER, SecretsService } from 'nestjs-custom-secret-manager';
import { Bus } from '../../fleet/support/bus';
import { closeApplications, startApplication } from '../../support/application';
import { instanceWith } from './app.module';
import type { EventedSecretManager } from './evented.secret-manager';
import { RotationWebhook } from './rotation.webhook';

describe('the examples of the page on fleets', () => {
  beforeEach(() => {
    process.env.FLEET_KEY = 'a key of 32 bytes and some more!';
  });

  afterEach(async () => {
    delete process.env.FLEET_KEY;
    await closeApplications();
  });

  async function start(bus: Bus) {
    const app = await startApplication({ imports: [instanceWith(bus.transport())] });
    const store = app.get<EventedSecretManager>(SECRET_MANAGER, { strict: false });
    const secrets = app.get(SecretsService);
    return { app, store, secrets };
  }

  it('tell every instance what a webhook and an event of the store report', async () => {
    const bus = new Bus();
    const [one, other] = [await start(bus), await start(bus)];
    await other.secrets.get('API_KEY');

    other.store.rotate('API_KEY', 'second');
    one.app.get(RotationWebhook).rotated({ names: ['API_KEY'] });
    await eventually(() => other.secrets.get('API_KEY'), 'second');

    other.store.rotate('API_KEY', 'third');
    one.store.events.emit('changed', 'API_KEY');
    await eventually(() => other.secrets.get('API_KEY'), 'third');

    expect(other.secrets.fleet).toMatchObject({ state: 'connected', received: 2 });
  }, 20_000);
});

async function eventually(read: () => Promise<unknown>, expected: unknown): Promise<void> {
  while ((await read()) !== expected) await new Promise((resolve) => setTimeout(resolve, 20));
}
