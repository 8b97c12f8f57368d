import { refusal, type AwsRequest } from '../../../support/aws-endpoint';
import { Fixture, PENDING } from './fixture';

let fixture: Fixture;

beforeEach(async () => {
  fixture = await new Fixture().start();
});

afterEach(() => fixture.close());

const PREFIX = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:';

function entry(name: string) {
  return { ARN: `${PREFIX}${name}-a1B2c3`, Name: name, SecretString: `of ${name}`, VersionId: 'v' };
}

/** Has AWS know every name. */
function answerAll({ input }: AwsRequest) {
  const names = input.SecretIdList as string[];
  return { body: { SecretValues: names.map(entry), Errors: [] } };
}

describe('a read of many secrets from AWS', () => {
  it('asks for twenty at a time, and for each once', async () => {
    const names = Array.from({ length: 45 }, (_, index) => `KEY_${index}`);
    fixture.aws.reply('BatchGetSecretValue', answerAll);

    const answers = await fixture.manager().readSecrets([...names, 'KEY_7']);

    expect([...answers.keys()].sort()).toEqual([...names].sort());
    expect(answers.get('KEY_44')).toEqual({ value: 'of KEY_44', version: 'v' });
    const sizes = fixture.aws
      .inputsOf('BatchGetSecretValue')
      .map(({ SecretIdList }) => (SecretIdList as string[]).length);
    expect(sizes.sort()).toEqual([20, 20, 5]);
  });

  it('finds what it asked for, by name, by ARN and by ARN without its last part', async () => {
    const asked = ['A', `${PREFIX}B-a1B2c3`, `${PREFIX}C`, `${PREFIX}DENIED`, 'GONE'];
    fixture.aws.reply('BatchGetSecretValue', {
      body: {
        SecretValues: [entry('C'), entry('B'), entry('A')],
        Errors: [
          { SecretId: `${PREFIX}DENIED-a1B2c3`, ErrorCode: 'AccessDeniedException' },
          { SecretId: `${PREFIX}GONE-a1B2c3`, ErrorCode: 'ResourceNotFoundException' },
        ],
      },
    });

    const answers = await fixture.manager().readSecrets(asked);

    expect(asked.map((name) => answers.get(name))).toEqual([
      { value: 'of A', version: 'v' },
      { value: 'of B', version: 'v' },
      { value: 'of C', version: 'v' },
      expect.objectContaining({ code: 'ACCESS_DENIED', secretName: `${PREFIX}DENIED` }),
      undefined,
    ]);
    expect(fixture.aws.actions).toEqual(['BatchGetSecretValue']);
  });

  it('answers by name what AWS has, has not, and refuses', async () => {
    fixture.aws.reply('BatchGetSecretValue', {
      body: {
        SecretValues: [{ ...entry('BYTES'), SecretString: undefined, SecretBinary: '/wD/' }],
        Errors: [
          { SecretId: 'ABSENT', ErrorCode: 'ResourceNotFoundException', Message: 'none' },
          { SecretId: 'PENDING', ErrorCode: 'InvalidRequestException', Message: PENDING },
          { SecretId: 'ENCRYPTED', ErrorCode: 'DecryptionFailure', Message: 'no key' },
        ],
      },
    });

    const answers = await fixture
      .manager()
      .readSecrets(['BYTES', 'ABSENT', 'PENDING', 'ENCRYPTED'], { params: { encoding: 'hex' } });

    expect([...answers].sort()).toEqual([
      ['ABSENT', undefined],
      ['BYTES', { value: 'ff00ff', version: 'v' }],
      ['ENCRYPTED', expect.objectContaining({ code: 'ACCESS_DENIED', secretName: 'ENCRYPTED' })],
      ['PENDING', undefined],
    ]);
  });

  it('keeps a value that cannot be read to its own name', async () => {
    fixture.aws.reply('BatchGetSecretValue', {
      body: { SecretValues: [entry('A'), { ...entry('B'), SecretString: 42 }] },
    });

    const answers = await fixture.manager().readSecrets(['A', 'B']);

    expect(answers.get('A')).toEqual({ value: 'of A', version: 'v' });
    expect(answers.get('B')).toMatchObject({ code: 'MALFORMED', secretName: 'B' });
  });

  it('goes on to the next page', async () => {
    fixture.aws.reply(
      'BatchGetSecretValue',
      { body: { SecretValues: [entry('A')], NextToken: 'more' } },
      { body: { SecretValues: [entry('B')] } },
    );

    const answers = await fixture.manager().readSecrets(['A', 'B']);

    expect([...answers.keys()]).toEqual(['A', 'B']);
    expect(fixture.aws.inputsOf('BatchGetSecretValue')).toEqual([
      { SecretIdList: ['A', 'B'] },
      { SecretIdList: ['A', 'B'], NextToken: 'more' },
    ]);
  });

  it.each([
    ['does not speak of', []],
    ['says too little of', [{ SecretId: 'B', ErrorCode: 'InvalidRequestException', Message: '' }]],
    ['has a new error for', [{ SecretId: 'B', ErrorCode: 'NewException', Message: '' }]],
  ])('reads by itself what the batch %s', async (_, Errors) => {
    fixture.aws.reply('BatchGetSecretValue', { body: { SecretValues: [entry('A')], Errors } });
    fixture.aws.reply('GetSecretValue', { body: entry('B') });

    const answers = await fixture.manager().readSecrets(['A', 'B']);

    expect(answers.get('B')).toEqual({ value: 'of B', version: 'v' });
    expect(fixture.aws.inputsOf('GetSecretValue')).toEqual([{ SecretId: 'B' }]);
  });

  it('reads one by one where the role may not use batches, and does not ask again', async () => {
    const manager = fixture.manager();
    fixture.aws.reply('BatchGetSecretValue', refusal('AccessDeniedException'));
    fixture.aws.reply('GetSecretValue', ({ input }) => ({ body: entry(String(input.SecretId)) }));

    const first = await manager.readSecrets(['A', 'B']);
    const second = await manager.readSecrets(['A', 'C']);

    expect([...first.keys(), ...second.keys()].sort()).toEqual(['A', 'A', 'B', 'C']);
    expect(fixture.aws.actions.filter((action) => action.startsWith('Batch'))).toHaveLength(1);
    expect(second.get('C')).toEqual({ value: 'of C', version: 'v' });
  });

  it('reads one by one where AWS refuses the batch for one of its names', async () => {
    fixture.aws.reply('BatchGetSecretValue', refusal('ValidationException', 'Invalid name.'));
    fixture.aws.reply('GetSecretValue', ({ input }) =>
      input.SecretId === 'wrong name'
        ? refusal('ValidationException', 'Invalid name.')
        : { body: entry(String(input.SecretId)) },
    );

    const answers = await fixture.manager().readSecrets(['A', 'wrong name']);

    expect(answers.get('A')).toEqual({ value: 'of A', version: 'v' });
    expect(answers.get('wrong name')).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('asks for a batch again ten minutes after it was denied', async () => {
    const manager = fixture.manager();
    fixture.aws.reply('BatchGetSecretValue', refusal('AccessDeniedException'), answerAll);
    await manager.readSecrets(['A', 'B']);
    const tenMinutesLater = performance.now() + 600_000;
    const clock = jest.spyOn(performance, 'now').mockReturnValue(tenMinutesLater);

    const answers = await manager.readSecrets(['A', 'B']);

    clock.mockRestore();
    expect(answers.get('B')).toEqual({ value: 'of B', version: 'v' });
  });

  it('loses no other batch where one fails', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `KEY_${index}`);
    fixture.aws.reply('BatchGetSecretValue', (request) =>
      (request.input.SecretIdList as string[]).includes('KEY_0')
        ? refusal('ThrottlingException')
        : answerAll(request),
    );

    const answers = await fixture.manager().readSecrets(names);

    expect(answers.get('KEY_0')).toMatchObject({ code: 'THROTTLED' });
    expect(answers.get('KEY_19')).toMatchObject({ code: 'THROTTLED' });
    expect(answers.get('KEY_20')).toEqual({ value: 'of KEY_20', version: 'v' });
  });

  it('reads a version of each by itself, which a batch does not know', async () => {
    fixture.aws.reply('GetSecretValue', ({ input }) => ({ body: entry(String(input.SecretId)) }));

    await fixture.manager().readSecrets(['A', 'B'], { params: { versionStage: 'AWSPREVIOUS' } });

    expect(fixture.aws.inputsOf('GetSecretValue')).toEqual([
      { SecretId: 'A', VersionStage: 'AWSPREVIOUS' },
      { SecretId: 'B', VersionStage: 'AWSPREVIOUS' },
    ]);
  });

  it('makes no batch of a single secret', async () => {
    fixture.aws.reply('GetSecretValue', { body: entry('A') });

    await fixture.manager().readSecrets(['A']);

    expect(fixture.aws.actions).toEqual(['GetSecretValue']);
  });
});
