import { CredentialObject } from '../../../../lib/drivers/http/login/credential-object';
import { run, runSync } from '../../../../lib/drivers/http/wire/steps';
import type { TokenGrant } from '../../../../lib/drivers/http/login/token-session';
import { everythingOf, failureOf } from '../../../support/failure-of';

function objectWith(ask: () => unknown): CredentialObject {
  const grantOf = (given: unknown): TokenGrant | undefined =>
    typeof given === 'string' ? { token: given, validForMs: 1_000 } : undefined;
  const remedy = 'Check the object.';
  return new CredentialObject({ manager: 'store', method: 'getToken()', ask, grantOf, remedy });
}

const never = (): never => {
  throw new Error('no request is sent');
};
const logIn = (object: CredentialObject): Promise<TokenGrant> => run(object.logIn(), never);
const logInSync = (object: CredentialObject): TokenGrant => runSync(object.logIn(), never);

describe('the login by a credential object', () => {
  it('returns the token, and the last one for one blocking request', async () => {
    const object = objectWith(() => Promise.resolve('token'));

    const before = await failureOf(() => logInSync(object));

    expect(before.code).toBe('UNSUPPORTED');
    expect(await logIn(object)).toEqual({ token: 'token', validForMs: 1_000 });
    expect(logInSync(object)).toEqual({ token: 'token', validForMs: 0, isKept: true });
  });

  it.each<[string, unknown]>([
    ['nothing', null],
    ['an empty token', ''],
  ])('is refused with %s', async (_, given) => {
    const error = await failureOf(logIn(objectWith(() => given)));

    expect(error.code).toBe('UNAUTHENTICATED');
    expect(error.message).toBe('getToken() of `auth` gave no usable token. Check the object.');
  });

  it.each<[string, Error, string]>([
    ['a refusal', new Error('canary-7740'), 'UNAUTHENTICATED'],
    ['an outage', Object.assign(new Error('canary-7740'), { code: 'ECONNREFUSED' }), 'UNAVAILABLE'],
  ])('hides the error of %s', async (_, thrown, code) => {
    const error = await failureOf(logIn(objectWith(() => Promise.reject(thrown))));

    expect(error.code).toBe(code);
    expect(everythingOf(error)).not.toContain('canary');
  });

  it('ends the wait when it is closed', async () => {
    const object = objectWith(() => new Promise(() => undefined));
    const failing = failureOf(logIn(object));

    object.close();

    expect(await failing).toMatchObject({
      code: 'UNAVAILABLE',
      message: 'The manager was closed.',
    });
  });
});
