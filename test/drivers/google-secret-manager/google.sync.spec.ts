import {
  GoogleSecretManager,
  type GoogleAuth,
  type GoogleSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/google-secret-manager';
import { failureOf } from '../../support/failure-of';
import { OutsideServer } from '../../support/outside-server';

describe('A synchronous read of Google Secret Manager', () => {
  let google: OutsideServer;
  let manager: GoogleSecretManager;

  beforeAll(async () => {
    google = await new OutsideServer('outside-google.process.cjs').start();
  });

  beforeEach(() => tell({ clear: true, put: { KEY: 'value', 'team-key': 'mapped' } }));

  afterEach(() => manager.close());

  afterAll(() => google.stop());

  const tell = async (content?: object): Promise<readonly string[]> => {
    const body = content === undefined ? undefined : JSON.stringify(content);
    const answer = await fetch(`${google.address}/fake`, { method: 'POST', body });
    return (await answer.json()) as readonly string[];
  };

  const managerWith = (auth: GoogleAuth, options: GoogleSecretManagerOptions = {}): void => {
    const projectId = 'p';
    manager = new GoogleSecretManager(
      { projectId, endpoint: google.address, auth, ...options },
      { HOME: '/nowhere' },
    );
  };

  const metadata = (): GoogleAuth => ({
    method: 'metadata',
    host: google.address.replace('http://', ''),
  });

  const readSync = (name = 'KEY', params = {}): unknown =>
    manager.readSecretSync(name, { params, timeoutMs: 20_000 });

  it('returns the result of an asynchronous read, after one login for both', async () => {
    managerWith(metadata());

    const answers = [readSync(), await manager.readSecret('KEY'), readSync('KEY', { version: 1 })];

    expect(answers).toEqual(Array(3).fill({ value: 'value', version: '1' }));
    expect((await tell()).filter((asked) => asked.endsWith('/token'))).toHaveLength(1);
  });

  it('returns undefined for a missing secret, and maps names', () => {
    managerWith(metadata(), { mapName: 'dashes' });

    expect([readSync('ABSENT'), readSync('team/key')]).toEqual([
      undefined,
      { value: 'mapped', version: '1' },
    ]);
  });

  it('asks the metadata server for the project', async () => {
    managerWith(metadata(), { projectId: undefined });

    expect(readSync()).toEqual({ value: 'value', version: '1' });
    expect(await tell()).toContain(
      'GET /v1/projects/project-of-the-machine/secrets/KEY/versions/latest:access',
    );
  });

  it.each([
    ['denied', 'ACCESS_DENIED'],
    ['throttled', 'THROTTLED'],
    ['unauthenticated', 'UNAUTHENTICATED'],
    ['HTML 404', 'MISCONFIGURED'],
    ['malformed', 'MALFORMED'],
  ])('fails if the store is %s', async (fault, code) => {
    managerWith(metadata());
    await tell({ fault });

    const failure = await failureOf(() => readSync());

    expect(failure).toMatchObject({ code, operation: 'readSecretSync', secretName: 'KEY' });
  });

  it('takes the last token of an object of the application, and is UNSUPPORTED without one', async () => {
    await tell({ tokens: ['token-1'] });
    managerWith({ getAccessToken: () => Promise.resolve('token-1') });

    const before = await failureOf(() => readSync());
    await manager.readSecret('KEY');

    expect(before.code).toBe('UNSUPPORTED');
    expect(before.message).toContain('getAccessToken()');
    expect(readSync()).toEqual({ value: 'value', version: '1' });
  });

  it('starts its worker with the manager if the option says so', () => {
    managerWith(metadata(), { startsSyncReads: true });

    manager.validateEnvironment();

    expect(readSync()).toEqual({ value: 'value', version: '1' });
  });
});
