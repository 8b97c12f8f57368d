import { GoogleSecretManager } from 'nestjs-custom-secret-manager/drivers/google-secret-manager';
import {
  secretManagerConformance,
  type ConformanceHarness,
} from 'nestjs-custom-secret-manager/testing';
import { FakeGoogleSecretManager, type GoogleFault } from '../support/fake-google-secret-manager';
import { wrapped } from '../support/wrapped';

const TOKEN = 'canary-token-of-the-conformance-kit';
const ID = /^[A-Za-z0-9_-]{1,255}$/;

const FAULTS: Readonly<Record<string, GoogleFault>> = {
  unavailable: 'unavailable',
  denied: 'denied',
  unauthenticated: 'unauthenticated',
  throttled: 'throttled',
  hanging: 'hanging',
  malformed: 'malformed',
};

describe('The manager for Google Secret Manager, on the fake,', () => {
  let fake: FakeGoogleSecretManager;

  beforeAll(async () => {
    fake = await new FakeGoogleSecretManager().start();
    fake.logins.tokens.add(TOKEN);
    fake.retryAfter = '0'; // the pipeline would wait for longer than a case may take
  });

  afterAll(() => fake.stop());

  const harness: ConformanceHarness = {
    caseTimeoutMs: 15_000, // for a machine that is busy with other work
    create: () => {
      fake.store.clear();
      return new GoogleSecretManager({
        projectId: 'project-1',
        endpoint: fake.address,
        auth: { getAccessToken: () => TOKEN },
      });
    },
    seed: (name, value) => fake.store.put(name, value),
    fail: (fault) => fake.fail(fault && FAULTS[fault]),
    spoil: (name) => fake.store.corrupt(name, '!no base64!'),
    lacks: ['recovery', 'sync', 'emptyValues'],
    names: { isPossible: (name) => ID.test(name) },
    maxValueBytes: 65_536,
    canaries: [TOKEN],
  };

  describe.each([
    ['bare:', harness],
    ['with every policy:', wrapped(harness)],
  ])('%s', (_, one) => {
    const cases = secretManagerConformance(one).filter(({ skip }) => skip === undefined);

    it.each(cases)('$title', async (conformanceCase) => {
      const run = conformanceCase.run();

      await expect(run).resolves.toBeUndefined();
    });
  });
});
