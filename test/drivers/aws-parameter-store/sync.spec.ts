import { SSMClient } from '@aws-sdk/client-ssm';
import {
  AwsParameterStoreSecretManager,
  type AwsParameterStoreSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/aws-parameter-store';
import { BoundaryPolicy } from '../../../lib/policies/boundary.policy';
import { traitsOf } from '../../support/aws-fixture';
import { everythingOf, failureOf } from '../../support/failure-of';
import { OutsideServer } from '../../support/outside-server';
import { CREDENTIALS } from './fixture';

const TIME = { timeoutMs: 20_000 };

describe('a synchronous read of the manager for Parameter Store', () => {
  const aws = new OutsideServer('outside-parameters.process.mjs');
  let boundary: BoundaryPolicy;

  const managerWith = (options: AwsParameterStoreSecretManagerOptions = {}): BoundaryPolicy =>
    new BoundaryPolicy(
      new AwsParameterStoreSecretManager({
        region: 'eu-central-1',
        endpoint: aws.address,
        credentials: CREDENTIALS,
        ...options,
      }),
    );

  beforeAll(async () => {
    await aws.start();
    boundary = managerWith();
  });

  afterAll(async () => {
    await boundary.close();
    await aws.stop();
  });

  it.each<[string, object | undefined, object | undefined]>([
    ['TEXT', undefined, { value: 'value of TEXT', version: '7' }],
    ['TEXT', { version: 2 }, { value: 'an older value', version: '2' }],
    ['TEXT', { label: 'live' }, { value: 'a labelled value', version: '3' }],
    ['TEXT', { version: 9 }, undefined],
    ['app/PATH', undefined, { value: 'value of a path', version: '1' }],
    ['ABSENT', undefined, undefined],
  ])('of %s with %j returns the result of an asynchronous read', async (name, params, expected) => {
    const options = { ...TIME, params: params && { ...params } };

    expect(await boundary.readSecret(name, options)).toEqual(expected);
    expect(boundary.readSecretSync(name, options)).toEqual(expected);
  });

  it.each(['DENIED', 'THROTTLED', 'KEY', 'DOWN', 'HTML', 'NEITHER', 'RESET'])(
    'of %s fails like an asynchronous read, and quotes nothing',
    async (name) => {
      const expected = await failureOf(boundary.readSecret(name));

      const error = await failureOf(() => boundary.readSecretSync(name, TIME));

      expect(traitsOf(error)).toEqual(traitsOf(expected));
      expect(everythingOf(error)).not.toMatch(/canary/i);
    },
  );

  it('ends at its deadline', async () => {
    const error = await failureOf(() => boundary.readSecretSync('HANGING', { timeoutMs: 50 }));

    expect(error.code).toBe('TIMEOUT');
    expect(boundary.readSecretSync('TEXT', TIME)).toMatchObject({ value: 'value of TEXT' });
  });

  it.each<[string, AwsParameterStoreSecretManagerOptions]>([
    ['client', { client: new SSMClient({ region: 'eu-central-1' }) }],
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

    expect(await failureOf(() => other.readSecretSync('TEXT'))).toMatchObject({
      code: 'UNAVAILABLE',
    });
  });
});
