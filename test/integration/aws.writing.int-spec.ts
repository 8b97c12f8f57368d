import { DescribeSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { AwsSecretManager } from 'nestjs-custom-secret-manager/drivers/aws-secrets-manager';
import { refusal } from '../support/aws-endpoint';
import { failureOf } from '../support/failure-of';
import { startMoto, type Moto } from './support/moto';

const DAY_MS = 86_400_000;

describe('writing to AWS Secrets Manager', () => {
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

  const stored = (name: string) => moto.client.send(new DescribeSecretCommand({ SecretId: name }));

  const valueOf = async (name: string): Promise<string | undefined> => {
    const { SecretString } = await moto.client.send(new GetSecretValueCommand({ SecretId: name }));
    return SecretString;
  };

  it('creates a secret with description, tags and key, and returns its version', async () => {
    const keyed = moto.manager({ kmsKeyId: 'alias/app' });

    const { version } = await keyed.writeSecret('app/NEW', 'value', {
      description: 'of the test',
      tags: { team: 'a' },
    });

    expect(await stored('app/NEW')).toMatchObject({
      Description: 'of the test',
      Tags: [{ Key: 'team', Value: 'a' }],
      KmsKeyId: 'alias/app',
      VersionIdsToStages: { [String(version)]: ['AWSCURRENT'] },
    });
    await keyed.close();
  });

  it('adds a new version, and keeps the previous one', async () => {
    const first = await manager.writeSecret('KEY', 'one');
    const second = await manager.writeSecret('KEY', 'two');

    const previous = await manager.readSecret('KEY', { params: { versionStage: 'AWSPREVIOUS' } });

    expect(previous).toEqual({ value: 'one', version: first.version });
    expect(await manager.readSecret('KEY')).toEqual({ value: 'two', version: second.version });
  });

  it('keeps description, tags and key when it writes a value', async () => {
    const keyed = moto.manager({ kmsKeyId: 'alias/app' });
    await keyed.writeSecret('KEY', 'one', { description: 'of the test', tags: { team: 'a' } });

    await manager.writeSecret('KEY', 'two');

    expect(await stored('KEY')).toMatchObject({
      Description: 'of the test',
      Tags: [{ Key: 'team', Value: 'a' }],
      KmsKeyId: 'alias/app',
    });
    await keyed.close();
  });

  it('changes a description, and adds to the tags', async () => {
    await manager.writeSecret('KEY', 'one', { description: 'old', tags: { team: 'a', env: 'x' } });

    await manager.writeSecret('KEY', 'two', { description: 'new', tags: { env: 'y' } });

    await expect(manager.describeSecret('KEY')).resolves.toEqual({
      description: 'new',
      tags: { team: 'a', env: 'y' },
    });
    await expect(valueOf('KEY')).resolves.toBe('two');
  });

  it('writes by ARN', async () => {
    await manager.writeSecret('KEY', 'one');
    const { ARN = '' } = await stored('KEY');

    await manager.writeSecret(ARN, 'two');

    await expect(valueOf('KEY')).resolves.toBe('two');
  });

  it('lets exactly one of several create a secret', async () => {
    const managers = Array.from({ length: 5 }, () => moto.manager());

    const outcomes = await Promise.allSettled(
      managers.map((each, index) => each.writeSecret('KEY', `of ${index}`, { createOnly: true })),
    );

    const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
    const losses = outcomes.filter(({ status }) => status === 'rejected');
    expect(losses).toHaveLength(4);
    expect(losses).toMatchObject(losses.map(() => ({ reason: { code: 'CONFLICT' } })));
    await expect(valueOf('KEY')).resolves.toBe(`of ${winner}`);
    for (const each of managers) await each.close();
  });

  it.each<[string, boolean]>([
    ['as AWS has it', true],
    ['as moto has it', false],
  ])(
    'lets exactly one of several create a secret that is pending deletion, %s',
    async (_, asAws) => {
      if (!asAws) moto.endpoint.clear();
      await manager.writeSecret('KEY', 'old', { tags: { team: 'a' } });
      await manager.deleteSecret('KEY');
      const managers = Array.from({ length: 5 }, () => moto.manager());

      const outcomes = await Promise.allSettled(
        managers.map((each, index) =>
          each.writeSecret('KEY', `of ${index}`, { createOnly: true, tags: { by: `${index}` } }),
        ),
      );

      const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
      const losses = outcomes.filter(({ status }) => status === 'rejected');
      expect(losses).toHaveLength(4);
      expect(losses).toMatchObject(losses.map(() => ({ reason: { code: 'CONFLICT' } })));
      await expect(valueOf('KEY')).resolves.toBe(`of ${winner}`);
      const { tags } = await manager.describeSecret('KEY');
      expect(tags).toEqual({ team: 'a', by: `${winner}` });
      const { VersionIdsToStages = {} } = await stored('KEY');
      const stages = new Set(Object.values(VersionIdsToStages).flat());
      expect([...stages].sort()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
      for (const each of managers) await each.close();
    },
  );

  it('deletes a restored secret again if the write fails', async () => {
    await manager.writeSecret('KEY', 'old');
    await manager.deleteSecret('KEY', { recoveryWindowInDays: 20 });
    moto.endpoint.reply(
      'PutSecretValue',
      refusal('InvalidRequestException', 'it was marked for deletion'),
      refusal('AccessDeniedException'),
    );

    const failure = await failureOf(manager.writeSecret('KEY', 'new'));

    expect(failure).toMatchObject({ code: 'UNKNOWN', causeCode: 'ACCESS_DENIED' });
    const left = (Number((await stored('KEY')).DeletedDate) - Date.now()) / DAY_MS;
    expect(Math.round(left)).toBe(20);
    await expect(manager.readSecret('KEY')).resolves.toBeUndefined();
  });

  it('lets several write a missing secret, and loses none of their versions', async () => {
    const versions = await Promise.all(
      ['one', 'two', 'three'].map((value) => manager.writeSecret('KEY', value)),
    );

    const { VersionIdsToStages = {} } = await stored('KEY');
    expect(Object.keys(VersionIdsToStages).sort()).toEqual(
      versions.map(({ version }) => version).sort(),
    );
  });

  it.each<[string, boolean, boolean]>([
    ['as AWS has it', true, false],
    ['as AWS has it, with createOnly', true, true],
    ['as moto has it, with createOnly', false, true],
  ])(
    'restores, updates and tags a secret that is pending deletion, %s',
    async (_, asAws, createOnly) => {
      if (!asAws) moto.endpoint.clear();
      await manager.writeSecret('KEY', 'old', { description: 'kept', tags: { team: 'a' } });
      await manager.deleteSecret('KEY');

      await manager.writeSecret('KEY', 'new', { createOnly, tags: { env: 'x' } });

      await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: 'new' });
      await expect(manager.describeSecret('KEY')).resolves.toEqual({
        description: 'kept',
        tags: { team: 'a', env: 'x' },
      });
      expect((await stored('KEY')).DeletedDate).toBeUndefined();
    },
  );

  it('replicates a new secret to other regions, and deletes it with its copies', async () => {
    const here = moto.manager({ replicaRegions: ['us-west-2'] });
    const there = moto.manager({ region: 'us-west-2' });

    await here.writeSecret('KEY', 'value');
    const { ReplicationStatus } = await stored('KEY');
    await here.deleteSecret('KEY');
    const afterwards = [await here.readSecret('KEY'), await there.readSecret('KEY')];
    await here.writeSecret('KEY', 'again');
    const restored = await stored('KEY');

    expect(ReplicationStatus).toMatchObject([{ Region: 'us-west-2' }]);
    expect(afterwards).toEqual([undefined, undefined]);
    expect(restored.ReplicationStatus).toMatchObject([{ Region: 'us-west-2' }]);
    await here.close();
    await there.close();
  });

  it.each([
    [undefined, 7],
    [7, 7],
    [30, 30],
  ])('deletes with a window of %s days, and returns its end', async (given, days) => {
    await manager.writeSecret('KEY', 'value');

    const { deletionAt } = await manager.deleteSecret('KEY', { recoveryWindowInDays: given });

    const left = (Number(deletionAt) - Date.now()) / DAY_MS;
    expect(Math.round(left)).toBe(days);
    expect((await stored('KEY')).DeletedDate).toEqual(deletionAt);
    await expect(manager.readSecret('KEY')).resolves.toBeUndefined();
  });

  it('deletes at once and permanently, even a secret that is pending deletion', async () => {
    await manager.writeSecret('ONE', 'value');
    await manager.writeSecret('OTHER', 'value');
    await manager.deleteSecret('OTHER');

    await manager.deleteSecret('ONE', { recoveryWindowInDays: 0 });
    await manager.deleteSecret('OTHER', { recoveryWindowInDays: 0 });

    for (const name of ['ONE', 'OTHER'])
      await expect(stored(name)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  it('accepts the deletion of a missing secret', async () => {
    await expect(manager.deleteSecret('ABSENT')).resolves.toEqual({});
    await expect(
      manager.deleteSecret('ABSENT', { recoveryWindowInDays: 0 }),
    ).resolves.toBeDefined();
  });

  it('deletes nothing with a window that AWS does not allow', async () => {
    await manager.writeSecret('KEY', 'value');

    const failure = await failureOf(manager.deleteSecret('KEY', { recoveryWindowInDays: 3 }));

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(valueOf('KEY')).resolves.toBe('value');
  });
});
