import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import type { AwsSecretManager } from 'nestjs-custom-secret-manager/drivers/aws-secrets-manager';
import { refusal } from '../support/aws-endpoint';
import { failureOf } from '../support/failure-of';
import { startMoto, type Moto } from './support/moto';

describe('reading from AWS Secrets Manager', () => {
  let moto: Moto;
  let manager: AwsSecretManager;

  beforeAll(async () => {
    moto = await startMoto();
  });

  beforeEach(async () => {
    await moto.reset();
    manager = moto.manager();
  });

  afterEach(() => manager.close());

  afterAll(() => moto.stop());

  const arnOf = async (SecretId: string): Promise<string> => {
    const { ARN = '' } = await moto.client.send(new DescribeSecretCommand({ SecretId }));
    return ARN;
  };

  const put = async (name: string, value: string, stage: string): Promise<string> => {
    const { VersionId = '' } = await moto.client.send(
      new PutSecretValueCommand({ SecretId: name, SecretString: value, VersionStages: [stage] }),
    );
    return VersionId;
  };

  it('finds a secret by its name, its ARN and its ARN without the last part', async () => {
    await moto.seed('app/KEY', 'value');
    const arn = await arnOf('app/KEY');

    const readings = await Promise.all(
      ['app/KEY', arn, arn.slice(0, -7)].map((name) => manager.readSecret(name)),
    );

    expect(readings.map((reading) => reading?.value)).toEqual(['value', 'value', 'value']);
  });

  it('returns the version, and reads each version by its id', async () => {
    await moto.seed('KEY', 'one');
    const first = await manager.readSecret('KEY');
    const secondId = await put('KEY', 'two', 'AWSCURRENT');

    const second = await manager.readSecret('KEY');
    const again = await manager.readSecret('KEY', { params: { versionId: first?.version } });

    expect(second).toEqual({ value: 'two', version: secondId });
    expect(again).toEqual(first);
  });

  it('reads the current, pending and previous versions', async () => {
    await moto.seed('KEY', 'one');
    await put('KEY', 'two', 'AWSCURRENT');
    await put('KEY', 'three', 'AWSPENDING');

    const stages = [undefined, 'AWSCURRENT', 'AWSPREVIOUS', 'AWSPENDING', 'NO_SUCH_STAGE'];
    const readings = await Promise.all(
      stages.map((versionStage) => manager.readSecret('KEY', { params: { versionStage } })),
    );

    expect(readings.map((reading) => reading?.value)).toEqual([
      'two',
      'two',
      'one',
      'three',
      undefined,
    ]);
  });

  it('refuses a version that does not have the stage', async () => {
    await moto.seed('KEY', 'one');
    const versionId = (await manager.readSecret('KEY'))?.version;

    const failure = await failureOf(
      manager.readSecret('KEY', { params: { versionId, versionStage: 'AWSPENDING' } }),
    );

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it.each([
    [undefined, 'AP/+Cg=='],
    ['hex', '00fffe0a'],
    ['latin1', '\u0000ÿþ\n'],
  ])('reads bytes as %s, one by one and many at once', async (encoding, value) => {
    const SecretBinary = Buffer.from([0, 255, 254, 10]);
    await moto.client.send(new CreateSecretCommand({ Name: 'BYTES', SecretBinary }));
    await moto.seed('TEXT', 'text');

    const one = await manager.readSecret('BYTES', { params: { encoding } });
    const many = await manager.readSecrets(['BYTES', 'TEXT'], { params: { encoding } });

    expect(one?.value).toBe(value);
    expect(many.get('BYTES')).toEqual(one);
    expect(many.get('TEXT')).toMatchObject({ value: 'text' });
  });

  it('reads many secrets with a call for twenty, by name and by ARN', async () => {
    const names = Array.from({ length: 44 }, (_, index) => `app/KEY_${index}`);
    for (const name of names) await moto.seed(name, `of ${name}`);
    const arn = await arnOf('app/KEY_7');

    const answers = await manager.readSecrets([...names, arn]);

    expect(names.map((name) => answers.get(name))).toMatchObject(
      names.map((name) => ({ value: `of ${name}` })),
    );
    expect(answers.get(arn)).toEqual(answers.get('app/KEY_7'));
    expect(moto.endpoint.actions).toEqual(Array<string>(3).fill('BatchGetSecretValue'));
  });

  it('distinguishes present, absent and pending secrets in a batch', async () => {
    for (const name of ['HERE', 'PENDING']) await moto.seed(name, 'value');
    await moto.client.send(new DeleteSecretCommand({ SecretId: 'PENDING' }));

    const answers = await manager.readSecrets(['HERE', 'ABSENT', 'PENDING']);

    expect(answers.get('HERE')).toMatchObject({ value: 'value' });
    expect([answers.get('ABSENT'), answers.get('PENDING')]).toEqual([undefined, undefined]);
    expect(moto.endpoint.actions).toEqual(['BatchGetSecretValue']);
  });

  it('reads many one by one if the role may not use batches', async () => {
    for (const name of ['A', 'B']) await moto.seed(name, `of ${name}`);
    moto.endpoint.reply('BatchGetSecretValue', refusal('AccessDeniedException'));

    await manager.readSecrets(['A', 'B']);
    const answers = await manager.readSecrets(['A', 'B', 'C']);

    expect(answers.get('A')).toMatchObject({ value: 'of A' });
    expect(answers.get('C')).toBeUndefined();
    expect(moto.endpoint.inputsOf('BatchGetSecretValue')).toHaveLength(1);
  });

  it('reads a stage of many secrets', async () => {
    for (const name of ['A', 'B']) await moto.seed(name, 'one');
    await put('A', 'two', 'AWSCURRENT');

    const answers = await manager.readSecrets(['A', 'B'], {
      params: { versionStage: 'AWSPREVIOUS' },
    });

    expect(answers.get('A')).toMatchObject({ value: 'one' });
    expect(answers.get('B')).toBeUndefined();
  });

  it('reads in the given region', async () => {
    await moto.seed('KEY', 'value');
    const elsewhere = moto.manager({ region: 'us-west-2' });

    const reading = await elsewhere.readSecret('KEY');

    expect(reading).toBeUndefined();
    await elsewhere.close();
  });
});
