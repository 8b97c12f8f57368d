import { failureOf } from '../../support/failure-of';
import { refusal, type AwsRequest, type Reply } from '../../support/aws-endpoint';
import { Fixture, parameter } from './fixture';

let fixture: Fixture;

beforeEach(async () => {
  fixture = await new Fixture().start();
});

afterEach(() => fixture.close());

describe('a read of a parameter', () => {
  it('returns value and version, and asks for the decrypted value', async () => {
    fixture.aws.reply('GetParameter', parameter('NAME', 'value', 12));

    const reading = await fixture.manager().readSecret('NAME');

    expect(reading).toEqual({ value: 'value', version: '12' });
    expect(fixture.aws.inputsOf('GetParameter')).toEqual([{ Name: 'NAME', WithDecryption: true }]);
  });

  it.each<[object, string]>([
    [{ version: 3 }, 'NAME:3'],
    [{ version: '3' }, 'NAME:3'],
    [{ label: 'production' }, 'NAME:production'],
    [{ version: undefined, label: undefined }, 'NAME'],
  ])('with params %j asks for %s', async (params, expected) => {
    fixture.aws.reply('GetParameter', parameter('NAME'));

    await fixture.manager().readSecret('NAME', { params: { ...params } });

    expect(fixture.aws.inputsOf('GetParameter')).toEqual([
      { Name: expected, WithDecryption: true },
    ]);
  });

  it.each(['ParameterNotFound', 'ParameterVersionNotFound'])(
    'takes %s for an absence',
    async (name) => {
      fixture.aws.reply('GetParameter', refusal(name));
      const manager = fixture.manager();

      await expect(manager.readSecret('NAME')).resolves.toBeUndefined();
      await expect(manager.readSecret('NAME', { params: { version: 9 } })).resolves.toBeUndefined();
    },
  );

  it.each<[object, RegExp]>([
    [{ version: 1, label: 'x' }, /`version` and `label`/],
    [{ version: 0 }, /whole number from 1/],
    [{ version: -1 }, /whole number from 1/],
    [{ version: 1.5 }, /whole number from 1/],
    [{ version: '' }, /whole number from 1/],
    [{ version: '1:2' }, /whole number from 1/],
    [{ version: 'x' }, /whole number from 1/],
    [{ version: true }, /must be a number/],
    [{ label: '' }, /label of AWS/],
    [{ label: '3' }, /label of AWS/],
    [{ label: 'aws-x' }, /label of AWS/],
    [{ label: 'a:b' }, /label of AWS/],
    [{ label: 'a b' }, /label of AWS/],
    [{ label: 'l'.repeat(101) }, /label of AWS/],
    [{ label: 7 }, /must be a string/],
    [{ stage: 'x' }, /"stage" is unknown: there are version, label/],
    [{ versionId: 'x' }, /"versionId" is unknown/],
  ])('refuses the params %j, however it is made', async (given, text) => {
    const options = { params: { ...given } };
    const manager = fixture.manager();

    const failures = [
      await failureOf(manager.readSecret('NAME', options)),
      await failureOf(() => manager.readSecretSync('NAME', options)),
      await failureOf(manager.readSecrets(['NAME'], options)),
    ];

    expect(failures).toMatchObject(Array(3).fill({ code: 'INVALID_ARGUMENT' }));
    for (const { message } of failures) expect(message).toMatch(text);
    expect(fixture.aws.requests).toEqual([]);
  });
});

/** Answers a batch like AWS: sorted, each name once, with the names that are missing. */
function batchOf(values: Readonly<Record<string, string>>): Reply {
  return ({ input }: AwsRequest) => {
    const names = [...new Set(input.Names as string[])].sort();
    const found = names.filter((name) => Object.hasOwn(values, name));
    return {
      body: {
        Parameters: found.map((Name) => ({ Name, Value: values[Name], Version: 1 })),
        InvalidParameters: names.filter((name) => !Object.hasOwn(values, name)),
      },
    };
  };
}

function readOf(values: Readonly<Record<string, string>>, denied: readonly string[] = []): Reply {
  return ({ input }: AwsRequest) => {
    const name = String(input.Name);
    if (denied.includes(name)) return refusal('AccessDeniedException');
    return Object.hasOwn(values, name)
      ? parameter(name, values[name])
      : refusal('ParameterNotFound');
  };
}

const NAMES = Array.from({ length: 25 }, (_, index) => `app/KEY_${index}`);
const VALUES = Object.fromEntries(NAMES.map((name) => [`/${name}`, `of ${name}`]));

describe('a batch of parameters', () => {
  it('finds a parameter whose name AWS tells with a slash before it', async () => {
    fixture.aws.reply('GetParameters', {
      body: { Parameters: [{ Name: '/A', Value: 'a' }], InvalidParameters: ['/B'] },
    });

    const answers = await fixture.manager().readSecrets(['A', 'B']);

    expect([...answers]).toEqual([
      ['A', { value: 'a', version: undefined }],
      ['B', undefined],
    ]);
    expect(fixture.aws.actions).toEqual(['GetParameters']);
  });

  it('makes a call for ten names, with decryption', async () => {
    fixture.aws.reply('GetParameters', batchOf(VALUES));

    const answers = await fixture.manager().readSecrets([...NAMES, 'ABSENT', 'app/KEY_3']);

    expect(NAMES.map((name) => answers.get(name))).toEqual(
      NAMES.map((name) => ({ value: `of ${name}`, version: '1' })),
    );
    expect(answers.has('ABSENT')).toBe(true);
    expect(answers.get('ABSENT')).toBeUndefined();
    expect(answers.size).toBe(26);
    expect(fixture.aws.actions).toEqual(Array<string>(3).fill('GetParameters'));
    const inputs = fixture.aws.inputsOf('GetParameters');
    expect(inputs.map(({ Names }) => (Names as string[]).length).sort()).toEqual([10, 10, 6]);
    expect(inputs.every(({ WithDecryption }) => WithDecryption === true)).toBe(true);
  });

  it('is read one by one after a denial, and the next batch is not tried', async () => {
    fixture.aws.reply('GetParameters', refusal('AccessDeniedException'));
    fixture.aws.reply('GetParameter', readOf({ A: 'a', C: 'c' }, ['B']));
    const manager = fixture.manager();

    const answers = await manager.readSecrets(['A', 'B', 'C', 'D']);
    await manager.readSecrets(['A', 'C']);

    expect(answers.get('A')).toMatchObject({ value: 'a' });
    expect(answers.get('B')).toMatchObject({ code: 'ACCESS_DENIED', secretName: 'B' });
    expect(answers.get('D')).toBeUndefined();
    expect(fixture.aws.inputsOf('GetParameters')).toHaveLength(1);
  });

  it('is read one by one if one key is unusable, and the next batch is tried', async () => {
    fixture.aws.reply('GetParameters', refusal('InvalidKeyId'));
    fixture.aws.reply('GetParameter', ({ input }) =>
      input.Name === 'B' ? refusal('InvalidKeyId') : parameter(String(input.Name)),
    );
    const manager = fixture.manager();

    const answers = await manager.readSecrets(['A', 'B']);
    await manager.readSecrets(['A', 'C']);

    expect(answers.get('A')).toMatchObject({ value: 'of A' });
    expect(answers.get('B')).toMatchObject({ code: 'MISCONFIGURED' });
    expect(fixture.aws.inputsOf('GetParameters')).toHaveLength(2);
  });

  it.each<[string, Reply, string]>([
    ['throttling', refusal('ThrottlingException', 'Rate exceeded'), 'THROTTLED'],
    ['an outage', refusal('InternalServerError', '', 500), 'UNAVAILABLE'],
    ['a token that expired', refusal('ExpiredTokenException'), 'UNAUTHENTICATED'],
  ])('fails as a whole with %s, without a call per name', async (_, reply, code) => {
    fixture.aws.reply('GetParameters', reply);

    const answers = await fixture.manager().readSecrets(['A', 'B', 'C']);

    expect([...answers.values()]).toMatchObject(Array(3).fill({ code }));
    expect(fixture.aws.actions).toEqual(['GetParameters']);
  });

  it('reads names of their own that an answer leaves out, or has without a value', async () => {
    fixture.aws.reply('GetParameters', {
      body: { Parameters: [{ Name: 'A', Value: 'a' }, { Name: 'B' }], InvalidParameters: ['D'] },
    });
    fixture.aws.reply('GetParameter', readOf({ C: 'c' }));

    const answers = await fixture.manager().readSecrets(['A', 'B', 'C', 'D']);

    expect(answers.get('A')).toMatchObject({ value: 'a' });
    expect(answers.get('B')).toMatchObject({ code: 'MALFORMED' });
    expect(answers.get('C')).toMatchObject({ value: 'c' });
    expect(answers.get('D')).toBeUndefined();
    expect(fixture.aws.inputsOf('GetParameter')).toEqual([{ Name: 'C', WithDecryption: true }]);
  });

  it('of a version or a label is read one by one', async () => {
    fixture.aws.reply('GetParameter', ({ input }) =>
      input.Name === 'A:2' ? parameter('A', 'two', 2) : refusal('ParameterVersionNotFound'),
    );

    const answers = await fixture.manager().readSecrets(['A', 'B'], { params: { version: 2 } });

    expect(answers.get('A')).toEqual({ value: 'two', version: '2' });
    expect(answers.get('B')).toBeUndefined();
    expect(fixture.aws.inputsOf('GetParameters')).toEqual([]);
  });
});
