import { SecretManagerModule, SecretsService } from 'nestjs-custom-secret-manager';
import { rotatingResource, type Rotating } from 'nestjs-custom-secret-manager/live';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startApplication } from '../support/application';

const ROTATIONS = 10_000;
const CALLERS = 200;

class Client {
  isOpen = true;
}

describe('a rotating resource in use', () => {
  afterEach(closeApplications);

  it('fails no call in 10 000 rotations, with two alive at most and one read each', async () => {
    const store = new InMemorySecretManager({ PASSWORD: 'first' });
    const alive = { now: 0, most: 0 };
    const app = await startApplication({
      imports: [SecretManagerModule.forRoot({ manager: { useFactory: () => store } })],
      providers: [
        rotatingResource({
          provide: 'CLIENT',
          secrets: ['PASSWORD'],
          build: () => {
            alive.most = Math.max(alive.most, ++alive.now);
            return new Client();
          },
          dispose: (client) => {
            alive.now -= 1;
            client.isOpen = false;
          },
        }),
      ],
    });
    const [rotating, secrets] = [app.get<Rotating<Client>>('CLIENT'), app.get(SecretsService)];
    const counts = { calls: 0, failed: 0 };
    let isRunning = true;
    const caller = async (): Promise<void> => {
      while (isRunning) {
        await rotating
          .use(async (client) => {
            await new Promise(setImmediate);
            if (!client.isOpen) throw new Error('the client is closed');
          })
          .catch(() => (counts.failed += 1));
        counts.calls += 1;
      }
    };
    const callers = Array.from({ length: CALLERS }, caller);
    const reads = store.calls.length;

    for (let at = 1; at <= ROTATIONS; at++) {
      store.rotate('PASSWORD', `password ${at}`);
      await secrets.refresh('PASSWORD');
      while (rotating.generation <= at) await new Promise(setImmediate);
    }
    isRunning = false;
    await Promise.all(callers);

    const rotations = rotating.generation - 1;
    const printed = { rotations, ...counts, alive: alive.most, reads: store.calls.length - reads };
    process.stdout.write(`rotating resource: ${JSON.stringify(printed)}\n`);
    expect(printed).toMatchObject({ rotations: ROTATIONS, failed: 0, alive: 2, reads: ROTATIONS });
  }, 180_000);
});
