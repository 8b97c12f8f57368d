import { livePassword } from 'nestjs-custom-secret-manager/live';
import { closeApplications } from '../../../support/application';
import { CANARY, startLive } from '../support';

afterEach(closeApplications);

describe('livePassword', () => {
  it('gives the password of the moment', async () => {
    const { secret, rotate } = await startLive({ PASSWORD: 'first' });
    const password = livePassword(secret('PASSWORD'));
    const before = [await password(), await password()];

    await rotate('PASSWORD', 'second');

    expect([...before, await password()]).toEqual(['first', 'first', 'second']);
  });

  it('rejects with the error of the secret', async () => {
    const { secret } = await startLive({});

    await expect(livePassword(secret('MISSING'))()).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  it('gives a password of nobody to postgres.js, which handles no rejection, and logs the reason', async () => {
    const { store, secret, log } = await startLive({});
    store.fail(Object.assign(new Error(CANARY), { code: 'ECONNREFUSED' }));
    const options = { pass: livePassword(secret('MISSING')) };

    const [one, other] = [await options.pass(), await options.pass()];

    expect(one).not.toBe(other);
    expect(log.warnings[0]).toContain('because "MISSING" cannot be read: ');
    expect(log.lines.join()).not.toContain(CANARY);
  });
});
