import { refusal } from '../../../support/aws-endpoint';
import { everythingOf, failureOf } from '../../../support/failure-of';
import { Fixture, PENDING } from './fixture';

const SCHEDULED =
  "You can't create this secret because a secret with this name is already scheduled for deletion.";

let fixture: Fixture;

beforeEach(async () => {
  fixture = await new Fixture().start();
});

afterEach(() => fixture.close());

describe('a write to AWS', () => {
  it('gives a secret that is there its value, and touches nothing else', async () => {
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

  it('changes description and tags where they are given, the tags first', async () => {
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

  it('writes no value where the tags are refused', async () => {
    fixture.aws.reply('TagResource', refusal('AccessDeniedException'));

    const failure = await failureOf(
      fixture.manager().writeSecret('KEY', 'value', { tags: { team: 'a' } }),
    );

    expect(failure.message).toContain('secretsmanager:TagResource');
    expect(fixture.aws.actions).toEqual(['TagResource']);
  });

  it('creates a secret that is not there, with all that belongs to it, and one token for all', async () => {
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

  it('makes a token of its own for each write', async () => {
    const manager = fixture.manager();
    fixture.aws.reply('PutSecretValue', { body: {} });

    await manager.writeSecret('KEY', 'value');
    await manager.writeSecret('KEY', 'value');

    const tokens = fixture.aws
      .inputsOf('PutSecretValue')
      .map(({ ClientRequestToken }) => ClientRequestToken);
    expect(new Set(tokens).size).toBe(2);
  });

  it('updates what somebody else has created meanwhile', async () => {
    fixture.aws.reply('PutSecretValue', refusal('ResourceNotFoundException'), {
      body: { VersionId: 'v2' },
    });
    fixture.aws.reply('CreateSecret', refusal('ResourceExistsException'));
    fixture.aws.reply('DescribeSecret', { body: {} });

    const written = await fixture.manager().writeSecret('KEY', 'value');

    expect(written).toEqual({ version: 'v2' });
  });

  it('restores and updates what is pending deletion', async () => {
    fixture.aws.reply('PutSecretValue', refusal('InvalidRequestException', PENDING), {
      body: { VersionId: 'v2' },
    });
    fixture.aws.reply('RestoreSecret', { body: {} });

    const written = await fixture.manager().writeSecret('KEY', 'value');

    expect(written).toEqual({ version: 'v2' });
    expect(fixture.aws.actions).toEqual(['PutSecretValue', 'RestoreSecret', 'PutSecretValue']);
  });

  it.each([
    ['as AWS says', refusal('InvalidRequestException', SCHEDULED)],
    ['as an emulator says', refusal('ResourceExistsException')],
  ])(
    'restores, tags and updates with createOnly what is pending deletion, %s',
    async (_, reply) => {
      fixture.aws.reply('CreateSecret', reply);
      fixture.aws.reply('DescribeSecret', { body: { DeletedDate: 1_800_000_000 } });
      fixture.aws.reply('RestoreSecret', { body: {} });
      fixture.aws.reply('TagResource', { body: {} });
      fixture.aws.reply('PutSecretValue', { body: { VersionId: 'v2' } });

      const written = await fixture
        .manager()
        .writeSecret('KEY', 'value', { createOnly: true, tags: { team: 'a' } });

      expect(written).toEqual({ version: 'v2' });
      expect(fixture.aws.actions.filter((action) => action !== 'DescribeSecret')).toEqual([
        'CreateSecret',
        'RestoreSecret',
        'TagResource',
        'PutSecretValue',
      ]);
    },
  );

  it('copies what it restores to the other regions, where it took the copies away', async () => {
    fixture.aws.reply('PutSecretValue', refusal('InvalidRequestException', PENDING), { body: {} });
    fixture.aws.reply('RestoreSecret', { body: {} });
    fixture.aws.reply('ReplicateSecretToRegions', { body: {} });

    await fixture.manager({ replicaRegions: ['eu-west-1'] }).writeSecret('KEY', 'value');

    expect(fixture.aws.inputsOf('ReplicateSecretToRegions')).toEqual([
      { SecretId: 'KEY', AddReplicaRegions: [{ Region: 'eu-west-1' }] },
    ]);
  });

  it.each([
    ['is not', { body: {} }],
    ['may not be described', refusal('AccessDeniedException')],
  ])('refuses with createOnly what exists, where it %s pending deletion', async (_, reply) => {
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

  it('shows nothing of the value where it fails', async () => {
    fixture.aws.reply('PutSecretValue', ({ input }) =>
      refusal('ValidationException', JSON.stringify(input)),
    );

    const failure = await failureOf(fixture.manager().writeSecret('KEY', 'sk-canary-4242'));

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(everythingOf(failure)).not.toContain('sk-canary');
  });

  it('is not repeated, because nobody knows what came of it', async () => {
    fixture.aws.reply('PutSecretValue', refusal('InternalServiceError', '', 500));

    await failureOf(fixture.manager().writeSecret('KEY', 'value'));

    expect(fixture.aws.actions).toEqual(['PutSecretValue']);
  });
});

describe('a deletion at AWS', () => {
  const deletedAt = { body: { DeletionDate: 1_800_000_000 } };

  it.each([
    [undefined, { SecretId: 'KEY', RecoveryWindowInDays: 7 }],
    [7, { SecretId: 'KEY', RecoveryWindowInDays: 7 }],
    [30, { SecretId: 'KEY', RecoveryWindowInDays: 30 }],
    [0, { SecretId: 'KEY', ForceDeleteWithoutRecovery: true }],
  ])('with a window of %s days asks for %j', async (recoveryWindowInDays, input) => {
    fixture.aws.reply('DeleteSecret', deletedAt);

    const metadata = await fixture.manager().deleteSecret('KEY', { recoveryWindowInDays });

    expect(metadata).toEqual({ deletionAt: new Date(1_800_000_000_000) });
    expect(fixture.aws.inputsOf('DeleteSecret')).toEqual([input]);
  });

  it.each([1, 6, 31, 7.5])('refuses a window of %s days, which AWS does not know', async (days) => {
    const failure = await failureOf(
      fixture.manager().deleteSecret('KEY', { recoveryWindowInDays: days }),
    );

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', secretName: 'KEY' });
    expect(failure.message).toContain('7 to 30');
    expect(fixture.aws.requests).toEqual([]);
  });

  it.each([
    ['is not there', refusal('ResourceNotFoundException')],
    ['is pending deletion already', refusal('InvalidRequestException', PENDING)],
  ])('is done where the secret %s', async (_, reply) => {
    fixture.aws.reply('DeleteSecret', reply);

    const metadata = await fixture.manager().deleteSecret('KEY');

    expect(metadata).toEqual({});
  });

  it('at once is not done where AWS only keeps the secret pending', async () => {
    fixture.aws.reply('DeleteSecret', refusal('InvalidRequestException', PENDING));

    const failure = await failureOf(
      fixture.manager().deleteSecret('KEY', { recoveryWindowInDays: 0 }),
    );

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('takes the copies away that the manager has made in other regions', async () => {
    const hasCopies = "You can't delete secret KEY that still has replica regions [eu-west-1]";
    fixture.aws.reply('DeleteSecret', refusal('InvalidParameterException', hasCopies), deletedAt);
    fixture.aws.reply('RemoveRegionsFromReplication', { body: {} });

    await fixture.manager({ replicaRegions: ['eu-west-1'] }).deleteSecret('KEY');

    expect(fixture.aws.actions).toEqual([
      'DeleteSecret',
      'RemoveRegionsFromReplication',
      'DeleteSecret',
    ]);
  });

  it('leaves copies alone that somebody else has made', async () => {
    fixture.aws.reply('DeleteSecret', refusal('InvalidParameterException'));

    const failure = await failureOf(fixture.manager().deleteSecret('KEY'));

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(fixture.aws.actions).toEqual(['DeleteSecret']);
  });
});

describe('a description by AWS', () => {
  it('has the tags of the owner, and not those of AWS, which nobody may set', async () => {
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

  it('is empty where there is no secret', async () => {
    fixture.aws.reply('DescribeSecret', refusal('ResourceNotFoundException'));

    await expect(fixture.manager().describeSecret('KEY')).resolves.toEqual({});
  });

  it('fails where the role may not ask for it', async () => {
    fixture.aws.reply('DescribeSecret', refusal('AccessDeniedException'));

    const failure = await failureOf(fixture.manager().describeSecret('KEY'));

    expect(failure.message).toContain('secretsmanager:DescribeSecret');
  });
});
