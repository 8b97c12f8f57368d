import { refusal, type Reply } from '../../support/aws-endpoint';
import { everythingOf, failureOf } from '../../support/failure-of';
import { Fixture, description } from './fixture';

const KEY = 'arn:aws:kms:eu-central-1:123456789012:key/of-the-parameter';
const EXISTING = { Name: 'NAME', Type: 'SecureString', KeyId: KEY, Tier: 'Standard', Version: 4 };

let fixture: Fixture;

beforeEach(async () => {
  fixture = await new Fixture().start();
  fixture.aws.reply('PutParameter', { body: { Version: 5 } });
  fixture.aws.reply('DescribeParameters', description());
});

afterEach(() => fixture.close());

const puts = () => fixture.aws.inputsOf('PutParameter');

describe('a write of a missing parameter', () => {
  it('creates a SecureString with key, tier, description and tags in one call', async () => {
    const manager = fixture.manager({ kmsKeyId: 'alias/app', tier: 'Advanced' });

    const written = await manager.writeSecret('NAME', 'value', {
      description: 'of the test',
      tags: { team: 'a' },
    });

    expect(written).toEqual({ version: '5' });
    expect(puts()).toEqual([
      {
        Name: 'NAME',
        Value: 'value',
        Type: 'SecureString',
        KeyId: 'alias/app',
        Tier: 'Advanced',
        Overwrite: false,
        Description: 'of the test',
        Tags: [{ Key: 'team', Value: 'a' }],
      },
    ]);
    expect(fixture.aws.actions).toEqual(['DescribeParameters', 'PutParameter']);
  });

  it('with createOnly makes one call', async () => {
    await fixture.manager().writeSecret('NAME', 'value', { createOnly: true });

    expect(fixture.aws.actions).toEqual(['PutParameter']);
    expect(puts()).toMatchObject([{ Type: 'SecureString', Overwrite: false }]);
  });

  it('with createOnly is CONFLICT if it exists', async () => {
    fixture.aws.reply('PutParameter', refusal('ParameterAlreadyExists'));

    const failure = await failureOf(
      fixture.manager().writeSecret('NAME', 'value', { createOnly: true }),
    );

    expect(failure).toMatchObject({ code: 'CONFLICT', secretName: 'NAME' });
    expect(puts()).toHaveLength(1);
  });

  it('overwrites it if somebody else creates it first', async () => {
    fixture.aws.reply('DescribeParameters', description(), description(EXISTING));
    fixture.aws.reply('PutParameter', refusal('ParameterAlreadyExists'), { body: { Version: 5 } });

    const written = await fixture.manager().writeSecret('NAME', 'value');

    expect(written).toEqual({ version: '5' });
    expect(puts()[1]).toEqual({ Name: 'NAME', Value: 'value', Overwrite: true, KeyId: KEY });
  });

  it('writes nothing if AWS does not describe it yet', async () => {
    fixture.aws.reply('PutParameter', refusal('ParameterAlreadyExists'));

    const failure = await failureOf(fixture.manager().writeSecret('NAME', 'value'));

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', secretName: 'NAME' });
    expect(puts().filter(({ Overwrite }) => Overwrite)).toEqual([]);
  });
});

describe('an overwrite of a parameter', () => {
  it.each<[string, object, object]>([
    [
      'keeps its key, whatever the options say',
      EXISTING,
      { KeyId: KEY, Tier: 'Intelligent-Tiering' },
    ],
    [
      'keeps the advanced tier',
      { ...EXISTING, Tier: 'Advanced' },
      { KeyId: KEY, Tier: 'Advanced' },
    ],
    [
      'sends no key for another type',
      { Name: 'NAME', Type: 'String', Tier: 'Standard' },
      { Tier: 'Intelligent-Tiering' },
    ],
  ])('%s, and sends no type', async (_, existing, kept) => {
    fixture.aws.reply('DescribeParameters', description(existing));
    const manager = fixture.manager({ kmsKeyId: 'alias/other', tier: 'Intelligent-Tiering' });

    await manager.writeSecret('NAME', 'value');

    expect(puts()).toEqual([{ Name: 'NAME', Value: 'value', Overwrite: true, ...kept }]);
  });

  it('looks for its description on later pages', async () => {
    fixture.aws.reply(
      'DescribeParameters',
      { body: { Parameters: [], NextToken: 'more' } },
      description({ ...EXISTING, Name: '/NAME' }),
    );

    await fixture.manager().writeSecret('NAME', 'value');

    expect(puts()).toMatchObject([{ KeyId: KEY }]);
    expect(fixture.aws.inputsOf('DescribeParameters')).toMatchObject([{}, { NextToken: 'more' }]);
  });

  it('changes the description, and leaves it alone if there is none', async () => {
    fixture.aws.reply('DescribeParameters', description(EXISTING));
    const manager = fixture.manager();

    await manager.writeSecret('NAME', 'value', { description: 'new' });
    await manager.writeSecret('NAME', 'value');

    expect(puts()[0]).toMatchObject({ Description: 'new' });
    expect(puts()[1]).not.toHaveProperty('Description');
  });

  it('sets tags in a second call', async () => {
    fixture.aws.reply('DescribeParameters', description(EXISTING));
    fixture.aws.reply('AddTagsToResource', { body: {} });

    await fixture.manager().writeSecret('NAME', 'value', { tags: { team: 'a' } });

    expect(puts()[0]).not.toHaveProperty('Tags');
    expect(fixture.aws.inputsOf('AddTagsToResource')).toEqual([
      { ResourceType: 'Parameter', ResourceId: 'NAME', Tags: [{ Key: 'team', Value: 'a' }] },
    ]);
    expect(fixture.aws.actions).toEqual([
      'DescribeParameters',
      'PutParameter',
      'AddTagsToResource',
    ]);
  });

  it.each<[string, Reply, string, number | undefined]>([
    ['denied', refusal('AccessDeniedException'), 'ACCESS_DENIED', undefined],
    [
      'throttled',
      { ...refusal('ThrottlingException'), headers: { 'retry-after': '3' } },
      'THROTTLED',
      3_000,
    ],
    ['cut off', 'half', 'UNAVAILABLE', undefined],
  ])('whose tags are %s is UNKNOWN, because the value was written', async (_, reply, code, ms) => {
    fixture.aws.reply('DescribeParameters', description(EXISTING));
    fixture.aws.reply('AddTagsToResource', reply);

    const failure = await failureOf(
      fixture.translated().writeSecret('NAME', 'value-canary', { tags: { team: 'a' } }),
    );

    expect(failure).toMatchObject({ code: 'UNKNOWN', causeCode: code, secretName: 'NAME' });
    expect(failure.retryAfterMs).toBe(ms);
    expect(failure.message).toContain('The value was written, and its tags were not set');
    expect(everythingOf(failure)).not.toContain('canary');
  });

  it('whose key is hidden writes nothing, and says which right helps', async () => {
    fixture.aws.reply('DescribeParameters', refusal('AccessDeniedException'));
    fixture.aws.reply('PutParameter', refusal('ParameterAlreadyExists'));

    const failure = await failureOf(fixture.manager().writeSecret('NAME', 'value'));

    expect(failure).toMatchObject({ code: 'ACCESS_DENIED', secretName: 'NAME' });
    expect(failure.message).toContain('ssm:DescribeParameters');
    expect(puts().filter(({ Overwrite }) => Overwrite)).toEqual([]);
  });

  it('whose key is hidden takes that of the options', async () => {
    fixture.aws.reply('DescribeParameters', refusal('AccessDeniedException'));
    fixture.aws.reply('PutParameter', refusal('ParameterAlreadyExists'), { body: { Version: 5 } });

    await fixture.manager({ kmsKeyId: 'alias/app' }).writeSecret('NAME', 'value');

    expect(puts()[1]).toEqual({
      Name: 'NAME',
      Value: 'value',
      Overwrite: true,
      KeyId: 'alias/app',
    });
  });

  it('is not made if the description fails', async () => {
    fixture.aws.reply('DescribeParameters', refusal('InternalServerError', '', 500));

    const failure = await failureOf(fixture.translated().writeSecret('NAME', 'value'));

    expect(failure).toMatchObject({ code: 'UNAVAILABLE' });
    expect(puts()).toEqual([]);
  });
});

describe('the value of a parameter', () => {
  it.each<[string, string, object, RegExp]>([
    ['an empty one', '', {}, /is empty/],
    ['8 193 bytes', 'v'.repeat(8_193), {}, /8193 bytes.*at most 8192/],
    ['8 194 bytes of 4 097 characters', 'ä'.repeat(4_097), {}, /8194 bytes/],
    ['4 097 bytes', 'v'.repeat(4_097), { tier: 'Standard' as const }, /4097 bytes.*`Advanced`/],
  ])('of %s is refused, before anything is sent', async (_, value, options, text) => {
    const manager = fixture.manager(options);

    const failures = [
      await failureOf(manager.writeSecret('NAME', value)),
      await failureOf(manager.writeSecret('NAME', value, { createOnly: true })),
    ];

    expect(failures).toMatchObject(Array(2).fill({ code: 'INVALID_ARGUMENT' }));
    for (const { message } of failures) expect(message).toMatch(text);
    expect(everythingOf(failures)).not.toContain('vvvv');
    expect(fixture.aws.requests).toEqual([]);
  });

  it.each<[number, object]>([
    [8_192, {}],
    [8_192, { tier: 'Advanced' as const }],
    [4_096, { tier: 'Standard' as const }],
  ])('may have %i bytes with %j', async (bytes, options) => {
    await fixture.manager(options).writeSecret('NAME', 'v'.repeat(bytes));

    expect(puts()).toHaveLength(1);
  });
});

describe('a deletion of a parameter', () => {
  beforeEach(() => fixture.aws.reply('DeleteParameter', { body: {} }));

  it.each([undefined, 0])('is made at once with a window of %s', async (days) => {
    const deleted = await fixture.manager().deleteSecret('NAME', { recoveryWindowInDays: days });

    expect(deleted).toEqual({});
    expect(fixture.aws.inputsOf('DeleteParameter')).toEqual([{ Name: 'NAME' }]);
  });

  it.each([7, 1, 30, -1])('with a window of %i days is UNSUPPORTED', async (days) => {
    const call = fixture.manager().deleteSecret('NAME', { recoveryWindowInDays: days });

    expect(await failureOf(call)).toMatchObject({ code: 'UNSUPPORTED', secretName: 'NAME' });
    expect(fixture.aws.requests).toEqual([]);
  });

  it('of a missing one is no error', async () => {
    fixture.aws.reply('DeleteParameter', refusal('ParameterNotFound'));

    await expect(fixture.manager().deleteSecret('NAME')).resolves.toEqual({});
  });

  it('that is denied is ACCESS_DENIED', async () => {
    fixture.aws.reply('DeleteParameter', refusal('AccessDeniedException'));

    const failure = await failureOf(fixture.manager().deleteSecret('NAME'));

    expect(failure).toMatchObject({ code: 'ACCESS_DENIED' });
    expect(failure.message).toContain('ssm:DeleteParameter');
  });
});

describe('a description of a parameter', () => {
  it('has description and tags, without those of AWS', async () => {
    fixture.aws.reply('DescribeParameters', description({ ...EXISTING, Description: 'text' }));
    fixture.aws.reply('ListTagsForResource', {
      body: {
        TagList: [
          { Key: 'team', Value: 'a' },
          { Key: 'aws:cloudformation:stack-name', Value: 'b' },
        ],
      },
    });

    const described = await fixture.manager().describeSecret('NAME');

    expect(described).toEqual({ description: 'text', tags: { team: 'a' } });
  });

  it('of a missing one is empty', async () => {
    await expect(fixture.manager().describeSecret('NAME')).resolves.toEqual({});
  });

  it('of one that is deleted meanwhile is empty', async () => {
    fixture.aws.reply('DescribeParameters', description(EXISTING));
    fixture.aws.reply('ListTagsForResource', refusal('InvalidResourceId'));

    await expect(fixture.manager().describeSecret('NAME')).resolves.toEqual({});
  });

  it.each(['DescribeParameters', 'ListTagsForResource'])(
    'is ACCESS_DENIED, and never empty, if %s is denied',
    async (action) => {
      fixture.aws.reply('DescribeParameters', description(EXISTING));
      fixture.aws.reply(action, refusal('AccessDeniedException'));

      const failure = await failureOf(fixture.manager().describeSecret('NAME'));

      expect(failure).toMatchObject({ code: 'ACCESS_DENIED' });
      expect(failure.message).toContain(`ssm:${action}`);
    },
  );
});

it.each(['writeSecret', 'deleteSecret', 'describeSecret'] as const)(
  '%s of a parameter takes no params',
  async (method) => {
    const manager = fixture.manager();
    const options = { params: { version: 1 } };
    const call =
      method === 'writeSecret'
        ? manager.writeSecret('NAME', 'value', options)
        : manager[method]('NAME', options);

    expect(await failureOf(call)).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(fixture.aws.requests).toEqual([]);
  },
);

describe('a write that something else than AWS answers', () => {
  it.each([[{}], [''], ['[]'], [{ Version: 'x' }]])('is not taken for done (%j)', async (body) => {
    fixture.aws.reply('DescribeParameters', description());
    fixture.aws.reply('PutParameter', { body });

    const failures = [
      await failureOf(fixture.manager().writeSecret('NAME', 'value')),
      await failureOf(fixture.manager().writeSecret('NAME', 'value', { createOnly: true })),
    ];

    expect(failures.map(({ code }) => code)).toEqual(['MALFORMED', 'MALFORMED']);
  });

  it('is no health either', async () => {
    fixture.aws.reply('GetParameter', { body: {} });

    expect((await failureOf(fixture.manager().checkHealth())).code).toBe('MALFORMED');
  });
});
