import type { AwsParameterStoreSecretManager } from 'nestjs-custom-secret-manager/drivers/aws-parameter-store';
import type { SecretManagerErrorCode } from 'nestjs-custom-secret-manager';
import { BoundaryPolicy } from '../../lib/policies/boundary.policy';
import { refusal, type Reply } from '../support/aws-endpoint';
import { everythingOf, failureOf, leaks } from '../support/failure-of';
import { CREDENTIALS } from './support/moto';
import { startMotoParameters, type MotoParameters } from './support/moto-parameters';

const VALUE = 'sk-canary-value-0123456789';

let moto: MotoParameters;
let manager: AwsParameterStoreSecretManager;

beforeAll(async () => {
  moto = await startMotoParameters();
});

beforeEach(async () => {
  await moto.reset();
  manager = moto.manager();
});

afterEach(() => manager.close());

afterAll(() => moto.stop());

describe('reading from Parameter Store', () => {
  it('returns decrypted values with their version, of every type', async () => {
    await moto.seed('app/KEY', 'one');
    await moto.seed('app/KEY', 'two');
    await moto.seed('PLAIN', 'a,b', { Type: 'StringList' });

    await expect(manager.readSecret('app/KEY')).resolves.toEqual({ value: 'two', version: '2' });
    await expect(manager.readSecret('PLAIN')).resolves.toEqual({ value: 'a,b', version: '1' });
    await expect(manager.readSecret('ABSENT')).resolves.toBeUndefined();
  });

  it.each<[object, string | undefined]>([
    [{ version: 1 }, 'one'],
    [{ version: '2' }, 'two'],
    [{ version: 3 }, undefined],
    [{ label: 'blue' }, 'one'],
    [{ label: 'green' }, undefined],
  ])('reads %j, alone, in a batch and at once', async (given, expected) => {
    for (const value of ['one', 'two']) await moto.seed('app/KEY', value);
    await moto.label('app/KEY', 1, 'blue');
    const params = { ...given };
    const direct = moto.manager({ endpoint: moto.address });

    const answers = [
      await manager.readSecret('app/KEY', { params }),
      (await manager.readSecrets(['app/KEY', 'OTHER'], { params })).get('app/KEY'),
      direct.readSecretSync('app/KEY', { params, timeoutMs: 20_000 }),
    ];

    expect(answers.map((answer) => (answer as { value: string } | undefined)?.value)).toEqual(
      Array(3).fill(expected),
    );
    await direct.close();
  });

  it('reads twenty-five names in three calls', async () => {
    const names = Array.from({ length: 25 }, (_, index) => `app/KEY_${index}`);
    for (const name of names) await moto.seed(name, `of ${name}`);

    const answers = await manager.readSecrets([...names, 'ABSENT']);

    expect(names.map((name) => answers.get(name))).toMatchObject(
      names.map((name) => ({ value: `of ${name}` })),
    );
    expect(answers.get('ABSENT')).toBeUndefined();
    expect(moto.endpoint.actions).toEqual(Array<string>(3).fill('GetParameters'));
  });

  it('reads the others of a batch with one denied name', async () => {
    for (const name of ['A', 'B', 'C']) await moto.seed(name, `of ${name}`);
    moto.deny('B');

    const answers = await manager.readSecrets(['A', 'B', 'C', 'D']);
    await manager.readSecrets(['A', 'C']);

    expect(answers.get('A')).toMatchObject({ value: 'of A' });
    expect(answers.get('B')).toMatchObject({ code: 'ACCESS_DENIED' });
    expect(answers.get('C')).toMatchObject({ value: 'of C' });
    expect(answers.get('D')).toBeUndefined();
    expect(moto.endpoint.inputsOf('GetParameters')).toHaveLength(1);
  });
});

describe('writing to Parameter Store', () => {
  it('creates, overwrites and deletes, and begins with version 1 again', async () => {
    const versions = [
      await manager.writeSecret('app/KEY', 'one'),
      await manager.writeSecret('app/KEY', 'two'),
    ];
    await manager.deleteSecret('app/KEY');
    const absent = await manager.readSecret('app/KEY');
    versions.push(await manager.writeSecret('app/KEY', 'three'));

    expect(versions.map(({ version }) => version)).toEqual(['1', '2', '1']);
    expect(absent).toBeUndefined();
    await expect(moto.valueOf('app/KEY')).resolves.toBe('three');
    await expect(moto.describe('app/KEY')).resolves.toMatchObject({ Type: 'SecureString' });
  });

  it.each(['alias/app', undefined])('keeps the key of a parameter with %s', async (KeyId) => {
    await moto.seed('KEY', 'one', { KeyId, Overwrite: false });
    const before = await moto.describe('KEY');
    const other = moto.manager({ kmsKeyId: 'alias/other' });

    await other.writeSecret('KEY', 'two');

    await expect(moto.describe('KEY')).resolves.toMatchObject({ KeyId: before?.KeyId });
    await expect(moto.valueOf('KEY')).resolves.toBe('two');
    await other.close();
  });

  it('keeps the type of a plain parameter', async () => {
    await moto.seed('KEY', 'one', { Type: 'String' });

    await manager.writeSecret('KEY', 'two');

    await expect(moto.describe('KEY')).resolves.toMatchObject({ Type: 'String', Version: 2 });
  });

  it('keeps the advanced tier of a parameter', async () => {
    await moto.seed('KEY', 'v'.repeat(5_000), { Tier: 'Advanced' });
    const standard = moto.manager({ tier: 'Standard' });

    await standard.writeSecret('KEY', 'two');

    await expect(moto.describe('KEY')).resolves.toMatchObject({ Tier: 'Advanced' });
    await standard.close();
  });

  it('keeps description and tags, and changes those that are given', async () => {
    await manager.writeSecret('KEY', 'one', { description: 'old', tags: { team: 'a', env: 'x' } });
    await manager.writeSecret('KEY', 'two');
    const kept = await manager.describeSecret('KEY');

    await manager.writeSecret('KEY', 'three', { description: 'new', tags: { env: 'y' } });

    expect(kept).toEqual({ description: 'old', tags: { team: 'a', env: 'x' } });
    await expect(manager.describeSecret('KEY')).resolves.toEqual({
      description: 'new',
      tags: { team: 'a', env: 'y' },
    });
  });

  it('lets exactly one of several create a parameter', async () => {
    const managers = Array.from({ length: 5 }, () => moto.manager());

    const outcomes = await Promise.allSettled(
      managers.map((each, index) => each.writeSecret('KEY', `of ${index}`, { createOnly: true })),
    );

    const losses = outcomes.filter(({ status }) => status === 'rejected');
    expect(losses).toHaveLength(4);
    expect(losses).toMatchObject(losses.map(() => ({ reason: { code: 'CONFLICT' } })));
    for (const each of managers) await each.close();
  });

  it.each<[string, object, string, SecretManagerErrorCode]>([
    ['an unknown key', { kmsKeyId: 'alias/none' }, 'value', 'MISCONFIGURED'],
    ['a value that its tier does not take', {}, 'v'.repeat(5_000), 'INVALID_ARGUMENT'],
  ])('reports %s, and writes nothing', async (_, options, value, code) => {
    const other = moto.manager(options);

    const failure = await failureOf(other.writeSecret('KEY', value));

    expect(failure).toMatchObject({ code, secretName: 'KEY' });
    await expect(moto.describe('KEY')).resolves.toBeUndefined();
    await other.close();
  });

  it('deletes nothing with a recovery window', async () => {
    await moto.seed('KEY', 'value');

    const failure = await failureOf(manager.deleteSecret('KEY', { recoveryWindowInDays: 7 }));

    expect(failure).toMatchObject({ code: 'UNSUPPORTED' });
    await expect(moto.valueOf('KEY')).resolves.toBe('value');
    await expect(manager.deleteSecret('ABSENT')).resolves.toEqual({});
  });
});

describe('a failing Parameter Store', () => {
  const FAULTS: readonly (readonly [string, Reply, SecretManagerErrorCode, number | undefined])[] =
    [
      ['down', 'reset', 'TIMEOUT', undefined],
      ['down behind a proxy', { status: 503, body: `<p>${VALUE}</p>` }, 'UNAVAILABLE', undefined],
      [
        'denied',
        ({ headers }) => refusal('AccessDeniedException', VALUE + JSON.stringify(headers)),
        'ACCESS_DENIED',
        undefined,
      ],
      [
        'throttled',
        { ...refusal('ThrottlingException', VALUE), headers: { 'retry-after': '2' } },
        'THROTTLED',
        2_000,
      ],
      ['malformed', { body: `{"Parameter":{"Value":"${VALUE}"` }, 'MALFORMED', undefined],
      ['slow', 'hang', 'TIMEOUT', undefined],
    ];

  it.each(FAULTS)(
    'that is %s fails every operation with its code, and shows no secret',
    async (_, fault, code, retryAfterMs) => {
      moto.endpoint.reply('*', fault);
      const boundary = new BoundaryPolicy(manager);
      const limits = { timeoutMs: 300 };

      const failures = [
        await failureOf(boundary.readSecret('KEY', limits)),
        await failureOf(boundary.writeSecret('KEY', VALUE, { ...limits, createOnly: true })),
        await failureOf(boundary.deleteSecret('KEY', limits)),
        await failureOf(boundary.describeSecret('KEY', limits)),
        (await boundary.readSecrets(['KEY', 'OTHER'], limits)).get('KEY'),
      ];

      expect(failures).toMatchObject(
        Array(5).fill(retryAfterMs ? { code, retryAfterMs } : { code }),
      );
      const shown = everythingOf(failures);
      const canaries = [VALUE, ...Object.values(CREDENTIALS)];
      expect(canaries.filter((canary) => leaks(shown, canary))).toEqual([]);
      moto.endpoint.reply('*');
      await expect(boundary.checkHealth()).resolves.toBe(true);
    },
  );
});
