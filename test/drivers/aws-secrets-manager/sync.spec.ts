import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { isSecretManagerError, type SecretReading } from 'nestjs-custom-secret-manager';
import {
  AwsSecretManager,
  type AwsSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/aws-secrets-manager';
import { BoundaryPolicy } from '../../../lib/policies/boundary.policy';
import { traitsOf } from '../../support/aws-fixture';
import { everythingOf, failureOf } from '../../support/failure-of';
import { OutsideServer } from '../../support/outside-server';
import { thrownBy } from '../../support/thrown-by';
import { CREDENTIALS } from './fixture';

describe('a synchronous read of the manager for AWS', () => {
  const aws = new OutsideServer('outside-aws.process.mjs');
  let manager: AwsSecretManager;
  let boundary: BoundaryPolicy;

  function managerWith(options: AwsSecretManagerOptions = {}): BoundaryPolicy {
    const region = 'eu-central-1';
    const credentials = CREDENTIALS;
    manager = new AwsSecretManager({ region, endpoint: aws.address, credentials, ...options });
    return new BoundaryPolicy(manager);
  }

  beforeAll(async () => {
    await aws.start();
    boundary = managerWith();
  });

  afterAll(async () => {
    await boundary.close();
    await aws.stop();
  });

  it.each(['TEXT', 'BYTES', 'ABSENT', 'PENDING', 'QUIET'])(
    'of %s returns the result of an asynchronous read',
    async (name) => {
      const expected: unknown = await boundary.readSecret(name);

      expect(boundary.readSecretSync(name, { timeoutMs: 20_000 })).toEqual(expected);
    },
  );

  it.each(['DENIED', 'THROTTLED', 'EXPIRED', 'DOWN', 'HTML', 'NEITHER', 'RESET', 'ENDLESS'])(
    'of %s fails like an asynchronous read, and quotes nothing',
    async (name) => {
      const expected = await failureOf(boundary.readSecret(name));

      const error = await failureOf(() => boundary.readSecretSync(name, { timeoutMs: 20_000 }));

      expect(traitsOf(error)).toEqual(traitsOf(expected));
      expect(everythingOf(error)).not.toMatch(/canary/i);
    },
  );

  it('accepts the params of a read', () => {
    const reading = boundary.readSecretSync('BYTES', { params: { encoding: 'utf8' } });

    expect(reading).toEqual<SecretReading>({ value: 'Zürich', version: 'v2' });
  });

  it('ends at its deadline', async () => {
    const error = await failureOf(() => boundary.readSecretSync('HANGING', { timeoutMs: 50 }));

    expect(error.code).toBe('TIMEOUT');
    expect(boundary.readSecretSync('TEXT')?.value).toBe('value of TEXT');
  });

  it.each<[string, AwsSecretManagerOptions]>([
    ['client', { client: new SecretsManagerClient({ region: 'eu-central-1' }) }],
    ['credentials', { credentials: () => Promise.resolve(CREDENTIALS) }],
  ])('reports that %s of this kind cannot be sent to a worker', async (option, options) => {
    const other = managerWith(options);

    const error = await failureOf(() => other.readSecretSync('TEXT'));

    expect(error.code).toBe('UNSUPPORTED');
    expect(error.message).toContain(`\`${option}\` that`);
    await other.close();
  });

  it('is refused after close', async () => {
    const other = managerWith();
    await other.close();

    const error = thrownBy(() => other.readSecretSync('TEXT'));

    expect(isSecretManagerError(error) && error.code).toBe('UNAVAILABLE');
  });
});
