import { refusal } from '../../../support/aws-endpoint';
import { everythingOf, failureOf } from '../../../support/failure-of';
import { Fixture, PENDING } from '../fixture';

const SCHEDULED =
  "You can't create this secret because a secret with this name is already scheduled for deletion.";

const deletedAt = (DeletedDate: number) => ({
  body: { DeletedDate, VersionIdsToStages: { deleted: ['AWSCURRENT'] } },
});
const DELETED = deletedAt(1_800_000_000);
const RESTORED = { body: { VersionIdsToStages: { deleted: ['AWSCURRENT'] } } };

let fixture: Fixture;

beforeEach(async () => {
  fixture = await new Fixture().start();
});

afterEach(() => fixture.close());

describe('a write to AWS', () => {
  it('updates the value of an existing secret, and nothing else', async () => {
    fixture.aws.reply('PutSecretValue', { body: { VersionId: 'v2' } });

    const written = await fixture.manager().writeSecret('KEY', 'value');

    expect(written).toEqual({ version: 'v2' });
    expect(fixture.aws.requests.map(({ action, input }) => ({ action, input }))).toEqual([
      {
        action: 'PutSecretValue',
        input: {
          SecretId: 'KEY',
          SecretString: 'value',
          ClientRequestToken: expect.stringMatching(/^[\da-f-]{36}$/),
        },
      },
    ]);
  });

  it('updates given description and tags, the tags first', async () => {
    fixture.aws.reply('TagResource', { body: {} });
    fixture.aws.reply('UpdateSecret', { body: { VersionId: 'v2' } });

    const written = await fixture
      .manager()
      .writeSecret('KEY', 'value', { description: 'of the test', tags: { team: 'a', env: '' } });

    expect(written).toEqual({ version: 'v2' });
    expect(fixture.aws.actions).toEqual(['TagResource', 'UpdateSecret']);
    expect(fixture.aws.inputsOf('TagResource')).toEqual([
      {
        SecretId: 'KEY',
        Tags: [
          { Key: 'team', Value: 'a' },
          { Key: 'env', Value: '' },
        ],
      },
    ]);
    expect(fixture.aws.inputsOf('UpdateSecret')).toMatchObject([
      { SecretId: 'KEY', SecretString: 'value', Description: 'of the test' },
    ]);
  });

  it('writes no value if the tags are refused', async () => {
    fixture.aws.reply('TagResource', refusal('AccessDeniedException'));

    const failure = await failureOf(
      fixture.manager().writeSecret('KEY', 'value', { tags: { team: 'a' } }),
    );

    expect(failure.message).toContain('secretsmanager:TagResource');
    expect(fixture.aws.actions).toEqual(['TagResource']);
  });

  it('creates a missing secret with all its metadata, and with one token', async () => {
    fixture.aws.reply('CreateSecret', { body: { VersionId: 'v1' } });
    const manager = fixture.manager({ kmsKeyId: 'alias/app', replicaRegions: ['eu-west-1'] });

    const written = await manager.writeSecret('KEY', 'value', { description: 'of the test' });

    expect(written).toEqual({ version: 'v1' });
    expect(fixture.aws.actions).toEqual(['UpdateSecret', 'CreateSecret']);
    const [update] = fixture.aws.inputsOf('UpdateSecret');
    expect(fixture.aws.inputsOf('CreateSecret')).toEqual([
      {
        Name: 'KEY',
        SecretString: 'value',
        ClientRequestToken: update?.ClientRequestToken,
        Description: 'of the test',
        KmsKeyId: 'alias/app',
        AddReplicaRegions: [{ Region: 'eu-west-1' }],
      },
    ]);
  });

  it('uses a new token for each write', async () => {
    const manager = fixture.manager();
    fixture.aws.reply('PutSecretValue', { body: {} });

    await manager.writeSecret('KEY', 'value');
    await manager.writeSecret('KEY', 'value');

    const tokens = fixture.aws
      .inputsOf('PutSecretValue')
      .map(({ ClientRequestToken }) => ClientRequestToken);
    expect(new Set(tokens).size).toBe(2);
  });

  it('updates a secret that was created meanwhile', async () => {
    fixture.aws.reply('PutSecretValue', refusal('ResourceNotFoundException'), {
      body: { VersionId: 'v2' },
    });
    fixture.aws.reply('CreateSecret', refusal('ResourceExistsException'));
    fixture.aws.reply('DescribeSecret', { body: {} });

    const written = await fixture.manager().writeSecret('KEY', 'value');

    expect(written).toEqual({ version: 'v2' });
  });

  it('restores and updates a secret that is pending deletion', async () => {
    fixture.aws.reply('PutSecretValue', refusal('InvalidRequestException', PENDING), {
      body: { VersionId: 'v2' },
    });
    fixture.aws.reply('DescribeSecret', DELETED);
    fixture.aws.reply('RestoreSecret', { body: {} });

    const written = await fixture.manager().writeSecret('KEY', 'value');

    expect(written).toEqual({ version: 'v2' });
    expect(fixture.aws.actions).toEqual([
      'PutSecretValue',
      'DescribeSecret',
      'RestoreSecret',
      'PutSecretValue',
    ]);
  });

  it('updates a secret that was restored meanwhile', async () => {
    fixture.aws.reply('PutSecretValue', refusal('InvalidRequestException', PENDING), {
      body: { VersionId: 'v2' },
    });
    fixture.aws.reply('DescribeSecret', RESTORED);

    const written = await fixture.manager().writeSecret('KEY', 'value');

    expect(written).toEqual({ version: 'v2' });
    expect(fixture.aws.actions).not.toContain('RestoreSecret');
  });

  it.each([
    ['as AWS says', refusal('InvalidRequestException', SCHEDULED)],
    ['as an emulator says', refusal('ResourceExistsException')],
  ])(
    'with createOnly restores, claims, tags and updates a secret that is pending deletion, %s',
    async (_, reply) => {
      fixture.aws.reply('CreateSecret', reply);
      fixture.aws.reply('DescribeSecret', DELETED);
      fixture.aws.reply('RestoreSecret', { body: {} });
      fixture.aws.reply('UpdateSecretVersionStage', { body: {} });
      fixture.aws.reply('TagResource', { body: {} });
      fixture.aws.reply('PutSecretValue', { body: { VersionId: 'v2' } });

      const written = await fixture
        .manager()
        .writeSecret('KEY', 'value', { createOnly: true, tags: { team: 'a' } });

      expect(written).toEqual({ version: 'v2' });
      expect(fixture.aws.actions.filter((action) => action !== 'DescribeSecret')).toEqual([
        'CreateSecret',
        'RestoreSecret',
        'PutSecretValue',
        'UpdateSecretVersionStage',
        'UpdateSecretVersionStage',
        'TagResource',
        'PutSecretValue',
      ]);
    },
  );

  it('with createOnly claims by moving AWSCURRENT away from the deleted version', async () => {
    fixture.aws.reply('CreateSecret', refusal('InvalidRequestException', SCHEDULED));
    fixture.aws.reply('DescribeSecret', DELETED);
    fixture.aws.reply('RestoreSecret', { body: {} });
    fixture.aws.reply('UpdateSecretVersionStage', { body: {} });
    fixture.aws.reply('PutSecretValue', { body: {} });

    await fixture.manager().writeSecret('KEY', 'value', { createOnly: true });

    const [claimed] = fixture.aws.inputsOf('PutSecretValue');
    const { ClientRequestToken: token, VersionStages: [stage] = [] } = claimed as {
      ClientRequestToken?: string;
      VersionStages?: string[];
    };
    expect(fixture.aws.inputsOf('UpdateSecretVersionStage')).toEqual([
      {
        SecretId: 'KEY',
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: token,
        RemoveFromVersionId: 'deleted',
      },
      { SecretId: 'KEY', VersionStage: stage, RemoveFromVersionId: token },
    ]);
  });

  it('with createOnly claims a secret without a version by writing its first one', async () => {
    fixture.aws.reply('CreateSecret', refusal('InvalidRequestException', SCHEDULED));
    fixture.aws.reply('DescribeSecret', { body: { DeletedDate: 1_800_000_000 } });
    fixture.aws.reply('RestoreSecret', { body: {} });
    fixture.aws.reply('PutSecretValue', ({ input }) => ({
      body: { VersionStages: [...((input.VersionStages as string[]) ?? []), 'AWSCURRENT'] },
    }));
    fixture.aws.reply('UpdateSecretVersionStage', ({ input }) =>
      input.VersionStage === 'AWSCURRENT' ? refusal('InvalidParameterException') : { body: {} },
    );

    const written = await fixture.manager().writeSecret('KEY', 'value', { createOnly: true });

    expect(written).toBeDefined();
  });

  it.each([
    ['overtaken while it restores', DELETED],
    ['restored before it looks', RESTORED],
  ])(
    'with createOnly refuses a secret that was pending deletion and is %s',
    async (_, description) => {
      fixture.aws.reply('CreateSecret', refusal('InvalidRequestException', SCHEDULED));
      fixture.aws.reply('DescribeSecret', description);
      fixture.aws.reply('RestoreSecret', { body: {} });
      fixture.aws.reply('PutSecretValue', { body: {} });
      fixture.aws.reply('UpdateSecretVersionStage', ({ input }) =>
        input.VersionStage === 'AWSCURRENT' ? refusal('InvalidParameterException') : { body: {} },
      );

      const failure = await failureOf(
        fixture.manager().writeSecret('KEY', 'value', { createOnly: true, tags: { team: 'a' } }),
      );

      expect(failure).toMatchObject({ code: 'CONFLICT', secretName: 'KEY' });
      expect(fixture.aws.actions).not.toContain('TagResource');
      expect(fixture.aws.actions).not.toContain('DeleteSecret');
    },
  );

  it('copies a restored secret back to the other regions', async () => {
    fixture.aws.reply('PutSecretValue', refusal('InvalidRequestException', PENDING), { body: {} });
    fixture.aws.reply('DescribeSecret', DELETED);
    fixture.aws.reply('RestoreSecret', { body: {} });
    fixture.aws.reply('ReplicateSecretToRegions', { body: {} });

    await fixture.manager({ replicaRegions: ['eu-west-1'] }).writeSecret('KEY', 'value');

    expect(fixture.aws.inputsOf('ReplicateSecretToRegions')).toEqual([
      { SecretId: 'KEY', AddReplicaRegions: [{ Region: 'eu-west-1' }] },
    ]);
  });

  it('that fails after a restoration deletes the secret again, and reports that', async () => {
    const inTenDays = Date.now() / 1_000 + 9.5 * 86_400;
    fixture.aws.reply(
      'PutSecretValue',
      refusal('InvalidRequestException', PENDING),
      refusal('AccessDeniedException'),
    );
    fixture.aws.reply('DescribeSecret', deletedAt(inTenDays), RESTORED);
    fixture.aws.reply('RestoreSecret', { body: {} });
    fixture.aws.reply('DeleteSecret', { body: {} });

    const failure = await failureOf(fixture.manager().writeSecret('KEY', 'value'));

    expect(failure).toMatchObject({
      code: 'UNKNOWN',
      causeCode: 'ACCESS_DENIED',
      secretName: 'KEY',
    });
    expect(failure.message).toContain('secretsmanager:PutSecretValue');
    expect(failure.message).toContain('pending deletion again');
    expect(fixture.aws.inputsOf('DeleteSecret')).toEqual([
      { SecretId: 'KEY', RecoveryWindowInDays: 10 },
    ]);
  });

  it('that is aborted after a restoration deletes the secret again, too', async () => {
    const caller = new AbortController();
    fixture.aws.reply('PutSecretValue', refusal('InvalidRequestException', PENDING), () => {
      caller.abort();
      return 'hang';
    });
    fixture.aws.reply('DescribeSecret', DELETED, RESTORED);
    fixture.aws.reply('RestoreSecret', { body: {} });
    fixture.aws.reply('DeleteSecret', { body: {} });

    const failure = await failureOf(
      fixture.manager().writeSecret('KEY', 'value', { signal: caller.signal }),
    );

    expect(failure).toMatchObject({ causeCode: 'CANCELLED' });
    expect(fixture.aws.actions).toContain('DeleteSecret');
  });

  it('that fails after a restoration does not touch a concurrent write', async () => {
    fixture.aws.reply(
      'PutSecretValue',
      refusal('InvalidRequestException', PENDING),
      refusal('ThrottlingException'),
    );
    fixture.aws.reply('DescribeSecret', DELETED, {
      body: { VersionIdsToStages: { theirs: ['AWSCURRENT'], deleted: ['AWSPREVIOUS'] } },
    });
    fixture.aws.reply('RestoreSecret', { body: {} });

    const failure = await failureOf(fixture.manager().writeSecret('KEY', 'value'));

    expect(failure).toMatchObject({ code: 'UNKNOWN', causeCode: 'THROTTLED' });
    expect(failure.message).toContain('Somebody else');
    expect(fixture.aws.actions).not.toContain('DeleteSecret');
  });

  it('that fails after a restoration reports that the secret cannot be deleted again', async () => {
    fixture.aws.reply(
      'PutSecretValue',
      refusal('InvalidRequestException', PENDING),
      refusal('ThrottlingException'),
    );
    fixture.aws.reply('DescribeSecret', DELETED, RESTORED);
    fixture.aws.reply('RestoreSecret', { body: {} });
    fixture.aws.reply('DeleteSecret', refusal('AccessDeniedException'));

    const failure = await failureOf(fixture.manager().writeSecret('KEY', 'value'));

    expect(failure).toMatchObject({ code: 'UNKNOWN', causeCode: 'THROTTLED' });
    expect(failure.message).toContain('delete it');
  });

  it('fails with the original error if nothing was restored', async () => {
    fixture.aws.reply('PutSecretValue', refusal('InvalidRequestException', PENDING));
    fixture.aws.reply('DescribeSecret', DELETED);
    fixture.aws.reply('RestoreSecret', refusal('AccessDeniedException'));

    const failure = await failureOf(fixture.manager().writeSecret('KEY', 'value'));

    expect(failure).toMatchObject({ code: 'ACCESS_DENIED' });
    expect(failure.message).toContain('secretsmanager:RestoreSecret');
    expect(fixture.aws.actions).not.toContain('DeleteSecret');
  });

  it.each([
    ['is not', { body: {} }],
    ['may not be described', refusal('AccessDeniedException')],
  ])('with createOnly refuses an existing secret if it %s pending deletion', async (_, reply) => {
    fixture.aws.reply('CreateSecret', refusal('ResourceExistsException'));
    fixture.aws.reply('DescribeSecret', reply);

    const failure = await failureOf(
      fixture.manager().writeSecret('KEY', 'value', { createOnly: true }),
    );

    expect(failure).toMatchObject({ code: 'CONFLICT', secretName: 'KEY' });
    expect(fixture.aws.actions).toEqual(['CreateSecret', 'DescribeSecret']);
  });

  it('stores no empty value, which AWS cannot hold', async () => {
    const failure = await failureOf(fixture.manager().writeSecret('KEY', ''));

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', secretName: 'KEY' });
    expect(fixture.aws.requests).toEqual([]);
  });

  it('discloses no value when it fails', async () => {
    fixture.aws.reply('PutSecretValue', ({ input }) =>
      refusal('ValidationException', JSON.stringify(input)),
    );

    const failure = await failureOf(fixture.manager().writeSecret('KEY', 'sk-canary-4242'));

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(everythingOf(failure)).not.toContain('sk-canary');
  });

  it('is not retried, because its outcome is unknown', async () => {
    fixture.aws.reply('PutSecretValue', refusal('InternalServiceError', '', 500));

    await failureOf(fixture.manager().writeSecret('KEY', 'value'));

    expect(fixture.aws.actions).toEqual(['PutSecretValue']);
  });
});

describe('a deletion at AWS', () => {
  const done = { body: { DeletionDate: 1_800_000_000 } };

  it.each([
    [undefined, { SecretId: 'KEY', RecoveryWindowInDays: 7 }],
    [7, { SecretId: 'KEY', RecoveryWindowInDays: 7 }],
    [30, { SecretId: 'KEY', RecoveryWindowInDays: 30 }],
    [0, { SecretId: 'KEY', ForceDeleteWithoutRecovery: true }],
  ])('with a window of %s days asks for %j', async (recoveryWindowInDays, input) => {
    fixture.aws.reply('DeleteSecret', done);

    const metadata = await fixture.manager().deleteSecret('KEY', { recoveryWindowInDays });

    expect(metadata).toEqual({ deletionAt: new Date(1_800_000_000_000) });
    expect(fixture.aws.inputsOf('DeleteSecret')).toEqual([input]);
  });

  it.each([1, 6, 31, 7.5])(
    'refuses a window of %s days, which AWS does not allow',
    async (days) => {
      const failure = await failureOf(
        fixture.manager().deleteSecret('KEY', { recoveryWindowInDays: days }),
      );

      expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', secretName: 'KEY' });
      expect(failure.message).toContain('7 to 30');
      expect(fixture.aws.requests).toEqual([]);
    },
  );

  it.each([
    ['is missing', refusal('ResourceNotFoundException')],
    ['is pending deletion already', refusal('InvalidRequestException', PENDING)],
  ])('succeeds if the secret %s', async (_, reply) => {
    fixture.aws.reply('DeleteSecret', reply);

    const metadata = await fixture.manager().deleteSecret('KEY');

    expect(metadata).toEqual({});
  });

  it('at once fails if AWS only keeps the secret pending', async () => {
    fixture.aws.reply('DeleteSecret', refusal('InvalidRequestException', PENDING));

    const failure = await failureOf(
      fixture.manager().deleteSecret('KEY', { recoveryWindowInDays: 0 }),
    );

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('removes the copies that the manager created in other regions', async () => {
    const hasCopies = "You can't delete secret KEY that still has replica regions [eu-west-1]";
    fixture.aws.reply('DeleteSecret', refusal('InvalidParameterException', hasCopies), done);
    fixture.aws.reply('RemoveRegionsFromReplication', { body: {} });

    await fixture.manager({ replicaRegions: ['eu-west-1'] }).deleteSecret('KEY');

    expect(fixture.aws.actions).toEqual([
      'DeleteSecret',
      'RemoveRegionsFromReplication',
      'DeleteSecret',
    ]);
  });

  it('does not touch copies that somebody else created', async () => {
    fixture.aws.reply('DeleteSecret', refusal('InvalidParameterException'));

    const failure = await failureOf(fixture.manager().deleteSecret('KEY'));

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(fixture.aws.actions).toEqual(['DeleteSecret']);
  });
});

describe('a description by AWS', () => {
  it('has the tags of the owner, but not the reserved ones of AWS', async () => {
    fixture.aws.reply('DescribeSecret', {
      body: {
        Description: 'of the test',
        Tags: [
          { Key: 'team', Value: 'a' },
          { Key: 'aws:cloudformation:stack-name', Value: 'stack' },
        ],
      },
    });

    const description = await fixture.manager().describeSecret('KEY');

    expect(description).toEqual({ description: 'of the test', tags: { team: 'a' } });
  });

  it('is empty for a missing secret', async () => {
    fixture.aws.reply('DescribeSecret', refusal('ResourceNotFoundException'));

    await expect(fixture.manager().describeSecret('KEY')).resolves.toEqual({});
  });

  it('fails if the role may not describe secrets', async () => {
    fixture.aws.reply('DescribeSecret', refusal('AccessDeniedException'));

    const failure = await failureOf(fixture.manager().describeSecret('KEY'));

    expect(failure.message).toContain('secretsmanager:DescribeSecret');
  });
});
