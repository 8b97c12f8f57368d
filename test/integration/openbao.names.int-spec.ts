import { failureOf } from '../support/failure-of';
import { startOpenBao, type OpenBao } from './support/openbao';
import { startTeamApp, type TeamApp } from './support/team-app';

const ODD_NAMES = [
  'two words',
  ' blank at both ends ',
  'what?version=1',
  'half#fragment',
  'a&b=c;d,e',
  'user:password@host',
  'plus+sign',
  '~tilde*star',
  'quotes \' and "',
  '<angle>{brace}[bracket]',
  '...',
  '.hidden',
  'Schlüssel',
  '秘密',
  '🔑',
];

const MOVING_NAMES = [
  '../other/data/INSIDE',
  '..',
  'a/../../other',
  '%2e%2e/other',
  'a\\..\\b',
  '/x',
];

describe('names of secrets in OpenBao', () => {
  let bao: OpenBao;
  let app: TeamApp;

  beforeAll(async () => {
    bao = await startOpenBao();
    await bao.expect('POST', 'sys/mounts/other', { type: 'kv', options: { version: '2' } });
    await bao.expect('POST', 'other/data/INSIDE', { data: { value: 'of another mount' } });
    app = await startTeamApp({ address: bao.address, token: bao.rootToken });
  });

  afterAll(async () => {
    await app.close();
    await bao.stop();
  });

  it.each(ODD_NAMES)('keeps %j under exactly that name', async (name) => {
    await app.secrets.set(name, `value of ${name}`);

    const value = await app.secrets.get(name, { maxAgeMs: 0 });

    expect(value).toBe(`value of ${name}`);
    await expect(bao.names()).resolves.toContain(name);
  });

  it('keeps a name with slashes in folders', async () => {
    await app.secrets.set('team a/db?/password', 'value');

    const value = await app.secrets.get('team a/db?/password', { maxAgeMs: 0 });

    expect(value).toBe('value');
    await expect(bao.valueOf('team a/db?/password')).resolves.toBe('value');
  });

  it.each(MOVING_NAMES)('refuses %j, which would leave the mount', async (name) => {
    const ofRead = await failureOf(app.secrets.get(name));
    const ofWrite = await failureOf(app.secrets.set(name, 'value'));

    expect([ofRead, ofWrite]).toMatchObject([
      { code: 'INVALID_ARGUMENT' },
      { code: 'INVALID_ARGUMENT' },
    ]);
  });

  it('has touched no other mount', async () => {
    const names = await bao.names('other');

    expect(names).toEqual(['INSIDE']);
  });
});
