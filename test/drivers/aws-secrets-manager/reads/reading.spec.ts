import { refusal } from '../../../support/aws-endpoint';
import { failureOf } from '../../../support/failure-of';
import { Fixture, PENDING } from '../fixture';

let fixture: Fixture;

beforeEach(async () => {
  fixture = await new Fixture().start();
});

afterEach(() => fixture.close());

const ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:app/KEY-a1B2c3';

describe('a read from AWS', () => {
  it.each(['app/KEY', ARN])('asks for %s unchanged, and for nothing else', async (name) => {
    fixture.aws.reply('GetSecretValue', { body: { SecretString: 'value', VersionId: 'v1' } });

    const reading = await fixture.manager().readSecret(name);

    expect(reading).toEqual({ value: 'value', version: 'v1' });
    expect(fixture.aws.inputsOf('GetSecretValue')).toEqual([{ SecretId: name }]);
  });

  it('asks for a version and a stage', async () => {
    fixture.aws.reply('GetSecretValue', { body: { SecretString: 'next', VersionId: 'v2' } });

    await fixture.manager().readSecret('KEY', {
      params: { versionId: 'v2', versionStage: 'AWSPENDING', encoding: undefined },
    });

    expect(fixture.aws.inputsOf('GetSecretValue')).toEqual([
      { SecretId: 'KEY', VersionId: 'v2', VersionStage: 'AWSPENDING' },
    ]);
  });

  it.each<[string | undefined, string]>([
    [undefined, 'w7/Dvw=='],
    ['base64', 'w7/Dvw=='],
    ['base64url', 'w7_Dvw'],
    ['hex', 'c3bfc3bf'],
    ['utf8', 'ÿÿ'],
    ['latin1', 'Ã¿Ã¿'],
  ])('encodes bytes as %s', async (encoding, value) => {
    fixture.aws.reply('GetSecretValue', { body: { SecretBinary: 'w7/Dvw==', VersionId: 'v1' } });

    const reading = await fixture.manager().readSecret('KEY', { params: { encoding } });

    expect(reading).toEqual({ value, version: 'v1' });
  });

  it('leaves a string unchanged, whatever the encoding', async () => {
    fixture.aws.reply('GetSecretValue', { body: { SecretString: 'w7/Dvw==' } });

    const reading = await fixture.manager().readSecret('KEY', { params: { encoding: 'hex' } });

    expect(reading?.value).toBe('w7/Dvw==');
  });

  it('does not return bytes as text', async () => {
    fixture.aws.reply('GetSecretValue', { body: { SecretBinary: '/wD/' } });

    const failure = await failureOf(
      fixture.manager().readSecret('KEY', { params: { encoding: 'utf8' } }),
    );

    expect(failure).toMatchObject({ code: 'MALFORMED', secretName: 'KEY' });
  });

  it.each([
    [{ version: '1' }, /params: "version" is unknown: there are versionId, versionStage, encoding/],
    [{ versionId: 1 }, /params\.versionId must be a string, and is a number/],
    [{ versionStage: '' }, /params\.versionStage is empty/],
    [{ versionStage: null }, /params\.versionStage must be a string, and is null/],
    [{ encoding: 'rot13' }, /params\.encoding must be one of base64, /],
    [{ toString: 'x' }, /params: "toString" is unknown/],
  ])('refuses the params %j before a call to AWS', async (params, text) => {
    const manager = fixture.manager();

    const failures = await Promise.all([
      failureOf(manager.readSecret('KEY', { params })),
      failureOf(manager.readSecrets(['KEY'], { params })),
    ]);

    expect(failures.map(({ code }) => code)).toEqual(['INVALID_ARGUMENT', 'INVALID_ARGUMENT']);
    expect(failures[0].message).toMatch(text);
    expect(fixture.aws.requests).toEqual([]);
  });

  it.each(['writeSecret', 'deleteSecret', 'describeSecret'] as const)(
    'accepts params, but %s accepts none',
    async (operation) => {
      const manager = fixture.manager();
      const options = { params: { versionStage: 'AWSPENDING' } };

      const failure = await failureOf(
        operation === 'writeSecret'
          ? manager.writeSecret('KEY', 'value', options)
          : manager[operation]('KEY', options),
      );

      expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(failure.message).toContain('"versionStage"');
      expect(fixture.aws.requests).toEqual([]);
    },
  );

  it('resolves to undefined for a missing secret', async () => {
    fixture.aws.reply('GetSecretValue', refusal('ResourceNotFoundException'));

    const reading = await fixture.manager().readSecret('KEY');

    expect(reading).toBeUndefined();
  });

  it.each([
    PENDING,
    "You tried to perform the operation on a secret that's currently marked deleted.",
  ])('treats a secret that is pending deletion as absent, by the message "%s"', async (words) => {
    fixture.aws.reply('GetSecretValue', refusal('InvalidRequestException', words));

    const reading = await fixture.manager().readSecret('KEY');

    expect(reading).toBeUndefined();
    expect(fixture.aws.actions).toEqual(['GetSecretValue']);
  });

  it('asks for the date of deletion if the message is unclear', async () => {
    fixture.aws.reply('GetSecretValue', refusal('InvalidRequestException', 'Other words.'));
    fixture.aws.reply('DescribeSecret', { body: { DeletedDate: 1_800_000_000 } });

    const reading = await fixture.manager().readSecret('KEY');

    expect(reading).toBeUndefined();
  });

  it.each([
    ['has no such date', { body: {} }],
    ['may not be asked', refusal('AccessDeniedException')],
  ])('fails if the message is unclear and the secret %s', async (_, reply) => {
    fixture.aws.reply('GetSecretValue', refusal('InvalidRequestException', 'Other words.'));
    fixture.aws.reply('DescribeSecret', reply);

    const failure = await failureOf(fixture.manager().readSecret('KEY'));

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('does not treat a failed description as an absence', async () => {
    fixture.aws.reply('GetSecretValue', refusal('InvalidRequestException', 'Other words.'));
    fixture.aws.reply('DescribeSecret', refusal('ThrottlingException'));

    const failure = await failureOf(fixture.manager().readSecret('KEY'));

    expect(failure).toMatchObject({ code: 'THROTTLED' });
  });
});
