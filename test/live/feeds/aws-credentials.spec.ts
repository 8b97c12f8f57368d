import { awsCredentials, type LiveValue } from 'nestjs-custom-secret-manager/live';
import { closeApplications } from '../../support/application';
import { CANARY, shown, startLive } from './support';

const keys = { accessKeyId: 'AKIA', secretAccessKey: 'secret' };

afterEach(closeApplications);

describe('awsCredentials', () => {
  it.each([
    ['the words of AWS', { ...keys, sessionToken: 'token' }, 'token'],
    ['no session', keys, undefined],
    [
      'the words of Vault',
      { access_key: 'AKIA', secret_key: 'secret', security_token: null },
      undefined,
    ],
    [
      'a session of Vault',
      { access_key: 'AKIA', secret_key: 'secret', security_token: 'token' },
      'token',
    ],
  ])('takes %s', async (_, value, sessionToken) => {
    const { secret } = await startLive({ AWS: value });

    const { expiration, ...given } = await awsCredentials(secret('AWS'))();

    expect(given).toEqual({ ...keys, ...(sessionToken !== undefined && { sessionToken }) });
    expect(expiration.getTime() - Date.now()).toBeLessThanOrEqual(60_000);
    expect(expiration.getTime() - Date.now()).toBeGreaterThan(50_000);
  });

  it('gives the end of the lease, and the keys of the moment', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000);
    const values = [keys, { ...keys, accessKeyId: 'AKIB' }];
    const handle: LiveValue<typeof keys> = {
      name: 'AWS',
      expiresAt,
      reveal: () => keys,
      get: async () => values.shift() ?? keys,
      onChange: () => () => undefined,
      use: async (work) => await work(keys),
    };
    const provider = awsCredentials(handle);

    expect(await provider()).toEqual({ ...keys, expiration: expiresAt });
    expect(await provider()).toMatchObject({ accessKeyId: 'AKIB' });
  });

  it.each([
    ['no key', { secretAccessKey: CANARY }, 'has no field accessKeyId or access_key'],
    ['no secret', { accessKeyId: CANARY }, 'has no field secretAccessKey or secret_key'],
    ['no JSON', CANARY, 'is no JSON object'],
  ])('rejects for %s without a value', async (_, value, problem) => {
    const { secret } = await startLive({ AWS: value });

    const error: unknown = await awsCredentials(secret('AWS'))().catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ code: 'MALFORMED', secretName: 'AWS' });
    expect(String(error)).toContain(problem);
    expect(shown(error)).not.toContain(CANARY);
  });
});
