import { refusal, type AwsRequest } from '../../../support/aws-endpoint';
import { Fixture, PENDING } from '../fixture';

let fixture: Fixture;

beforeEach(async () => {
  fixture = await new Fixture().start();
});

afterEach(() => fixture.close());

const PREFIX = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:';

function entry(name: string) {
  return { ARN: `${PREFIX}${name}-a1B2c3`, Name: name, SecretString: `of ${name}`, VersionId: 'v' };
}

/** Makes AWS answer every name. */
function answerAll({ input }: AwsRequest) {
  const names = input.SecretIdList as string[];
  return { body: { SecretValues: names.map(entry), Errors: [] } };
}

describe('a read of many secrets from AWS', () => {
  it('asks for twenty at a time, and once for each', async () => {
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

  it('finds secrets by name, by ARN and by ARN without its last part', async () => {
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

  const OTHER_ACCOUNT = PREFIX.replace('123456789012', '210987654321');
  const arnOf = (name: string) => `${PREFIX}${name}-a1B2c3`;

  /** Answers as AWS resolves ids: `secrets` by their full ARN, and a failure for every other id. */
  function holdSecrets(secrets: Readonly<Record<string, string>>): void {
    const find = (id: string) =>
      Object.keys(secrets).find((arn) => arn === id) ??
      Object.keys(secrets).find((arn) => [arn.slice(0, -7), ownName(arn)].includes(id));
    const found = (arn: string) => ({
      ARN: arn,
      Name: /:secret:(.*)-.{6}$/.exec(arn)?.[1],
      SecretString: secrets[arn],
      VersionId: 'v',
    });
    fixture.aws.reply('BatchGetSecretValue', ({ input }) => {
      const ids = input.SecretIdList as string[];
      return {
        body: {
          SecretValues: [...new Set(ids.flatMap((id) => find(id) ?? []))].map(found),
          Errors: ids
            .filter((id) => find(id) === undefined)
            .map((SecretId) => ({ SecretId, ErrorCode: 'ResourceNotFoundException' })),
        },
      };
    });
    fixture.aws.reply('GetSecretValue', ({ input }) => {
      const arn = find(String(input.SecretId));
      return arn === undefined ? refusal('ResourceNotFoundException') : { body: found(arn) };
    });
  }

  /** Resolves a plain name in the account of the caller. */
  function ownName(arn: string): string | undefined {
    return arn.startsWith(PREFIX) ? /:secret:(.*)-.{6}$/.exec(arn)?.[1] : undefined;
  }

  it.each<[string, Readonly<Record<string, string>>, readonly string[], readonly unknown[]]>([
    [
      'a name that is the start of another one',
      { [arnOf('stripe')]: 's' },
      ['stripe', 'stripe-secret'],
      ['s', undefined],
    ],
    [
      'a name that ends as an ARN does',
      { [arnOf('stripe-secret')]: 'long' },
      ['stripe', 'stripe-secret'],
      [undefined, 'long'],
    ],
    [
      'names of which the one is the other with a suffix, both missing',
      {},
      ['key-AbCdEf', 'key', 'key-AbCdEf-AbCdEf'],
      [undefined, undefined, undefined],
    ],
    [
      'an ARN that is another ARN without its suffix',
      { [`${PREFIX}stripe-secret`]: 'of stripe', [arnOf('stripe-secret')]: 'of stripe-secret' },
      [`${PREFIX}stripe-secret`, 'stripe-secret', 'stripe'],
      ['of stripe', 'of stripe-secret', 'of stripe'],
    ],
    [
      'a name and its ARNs at once',
      { [arnOf('a')]: 'a' },
      ['a', arnOf('a'), `${PREFIX}a`],
      ['a', 'a', 'a'],
    ],
    [
      'a secret of another account with the same name',
      { [arnOf('a')]: 'mine', [`${OTHER_ACCOUNT}a-x1y2z3`]: 'theirs' },
      ['a', `${OTHER_ACCOUNT}a-x1y2z3`, `${OTHER_ACCOUNT}a`],
      ['mine', 'theirs', 'theirs'],
    ],
    [
      'a missing secret whose name another account uses',
      { [`${OTHER_ACCOUNT}a-x1y2z3`]: 'theirs' },
      ['a', `${OTHER_ACCOUNT}a`],
      [undefined, 'theirs'],
    ],
  ])('distinguishes %s, in any order', async (_, secrets, asked, expected) => {
    holdSecrets(secrets);

    for (const ids of [asked, [...asked].reverse()]) {
      const answers = await fixture.manager().readSecrets(ids);

      const values = asked.map((id) => (answers.get(id) as { value?: string } | undefined)?.value);
      expect(values).toEqual(expected);
    }
  });

  it.each([
    ['stripe-secret', 'stripe-secret'],
    ['an ARN without a suffix', `${PREFIX}stripe-secret`],
  ])('reports a denial for the name that AWS denies, given as %s', async (_, SecretId) => {
    fixture.aws.reply('BatchGetSecretValue', {
      body: {
        SecretValues: [entry('other')],
        Errors: [{ SecretId, ErrorCode: 'AccessDeniedException' }],
      },
    });
    fixture.aws.reply('GetSecretValue', ({ input }) =>
      input.SecretId === 'stripe'
        ? { body: entry('stripe') }
        : refusal('AccessDeniedException', 'no', 400),
    );

    const answers = await fixture.manager().readSecrets(['stripe', 'stripe-secret', 'other']);

    expect(answers.get('stripe')).toEqual({ value: 'of stripe', version: 'v' });
    expect(answers.get('stripe-secret')).toMatchObject({ code: 'ACCESS_DENIED' });
    expect(answers.get('other')).toEqual({ value: 'of other', version: 'v' });
  });

  it.each([
    ['a secret that is missing', refusal('ResourceNotFoundException')],
    ['a secret that cannot be decrypted', refusal('DecryptionFailure')],
    ['a page that has ended', refusal('InvalidNextTokenException')],
    ['an answer that cannot be read', { body: '{"SecretValues":[{"SecretBinary":"!"}]}' }],
  ])('reports no failure of the whole batch for a single name: %s', async (_, reply) => {
    fixture.aws.reply('BatchGetSecretValue', reply);
    fixture.aws.reply('GetSecretValue', ({ input }) => ({ body: entry(String(input.SecretId)) }));
    const manager = fixture.manager();

    const answers = await manager.readSecrets(['A', 'B']);
    await manager.readSecrets(['A', 'B']);

    expect([...answers.values()]).toEqual([
      { value: 'of A', version: 'v' },
      { value: 'of B', version: 'v' },
    ]);
    expect(fixture.aws.inputsOf('BatchGetSecretValue')).toHaveLength(2);
  });

  it('stops at endless pages, and reads the missing secrets one by one', async () => {
    fixture.aws.reply('BatchGetSecretValue', { body: { NextToken: 'more' } });
    fixture.aws.reply('GetSecretValue', ({ input }) => ({ body: entry(String(input.SecretId)) }));

    const answers = await fixture.manager().readSecrets(['A', 'B']);

    expect(answers.get('B')).toEqual({ value: 'of B', version: 'v' });
    expect(fixture.aws.inputsOf('BatchGetSecretValue')).toHaveLength(20);
  });

  it('returns values, absences and denials by name', async () => {
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

  it('limits an unreadable value to its own name', async () => {
    fixture.aws.reply('BatchGetSecretValue', {
      body: { SecretValues: [entry('A'), { ...entry('B'), SecretString: 42 }] },
    });

    const answers = await fixture.manager().readSecrets(['A', 'B']);

    expect(answers.get('A')).toEqual({ value: 'of A', version: 'v' });
    expect(answers.get('B')).toMatchObject({ code: 'MALFORMED', secretName: 'B' });
  });

  it('requests the next page', async () => {
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
    ['does not mention', []],
    [
      'describes incompletely',
      [{ SecretId: 'B', ErrorCode: 'InvalidRequestException', Message: '' }],
    ],
    ['has a new error for', [{ SecretId: 'B', ErrorCode: 'NewException', Message: '' }]],
  ])('reads separately a secret that the batch %s', async (_, Errors) => {
    fixture.aws.reply('BatchGetSecretValue', { body: { SecretValues: [entry('A')], Errors } });
    fixture.aws.reply('GetSecretValue', { body: entry('B') });

    const answers = await fixture.manager().readSecrets(['A', 'B']);

    expect(answers.get('B')).toEqual({ value: 'of B', version: 'v' });
    expect(fixture.aws.inputsOf('GetSecretValue')).toEqual([{ SecretId: 'B' }]);
  });

  it('reads one by one if the role may not use batches, and does not retry the batch', async () => {
    const manager = fixture.manager();
    fixture.aws.reply('BatchGetSecretValue', refusal('AccessDeniedException'));
    fixture.aws.reply('GetSecretValue', ({ input }) => ({ body: entry(String(input.SecretId)) }));

    const first = await manager.readSecrets(['A', 'B']);
    const second = await manager.readSecrets(['A', 'C']);

    expect([...first.keys(), ...second.keys()].sort()).toEqual(['A', 'A', 'B', 'C']);
    expect(fixture.aws.actions.filter((action) => action.startsWith('Batch'))).toHaveLength(1);
    expect(second.get('C')).toEqual({ value: 'of C', version: 'v' });
  });

  it('reads one by one if AWS refuses the batch for one of its names', async () => {
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

  it('tries a batch again ten minutes after a denial', async () => {
    const manager = fixture.manager();
    fixture.aws.reply('BatchGetSecretValue', refusal('AccessDeniedException'), answerAll);
    await manager.readSecrets(['A', 'B']);
    const tenMinutesLater = performance.now() + 600_000;
    const clock = jest.spyOn(performance, 'now').mockReturnValue(tenMinutesLater);

    const answers = await manager.readSecrets(['A', 'B']);

    clock.mockRestore();
    expect(answers.get('B')).toEqual({ value: 'of B', version: 'v' });
  });

  it('loses no other batch if one fails', async () => {
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

  it('reads versions one by one, because a batch has none', async () => {
    fixture.aws.reply('GetSecretValue', ({ input }) => ({ body: entry(String(input.SecretId)) }));

    await fixture.manager().readSecrets(['A', 'B'], { params: { versionStage: 'AWSPREVIOUS' } });

    expect(fixture.aws.inputsOf('GetSecretValue')).toEqual([
      { SecretId: 'A', VersionStage: 'AWSPREVIOUS' },
      { SecretId: 'B', VersionStage: 'AWSPREVIOUS' },
    ]);
  });

  it('does not use a batch for a single secret', async () => {
    fixture.aws.reply('GetSecretValue', { body: entry('A') });

    await fixture.manager().readSecrets(['A']);

    expect(fixture.aws.actions).toEqual(['GetSecretValue']);
  });
});
