import { JwtService } from '@nestjs/jwt';
import type { Jwt } from 'jsonwebtoken';
import { generateKeyPairSync } from 'node:crypto';
import { selfSigned } from '../integration/support/self-signed';
import { startLive, type Live } from '../live/feeds/support';
import { closeApplications } from '../support/application';
import { examples } from './feeds';

const login = { username: 'ada', password: 'p' };

describe('the examples of docs/feeds.md', () => {
  let live: Live;

  beforeEach(async () => {
    const { key, cert } = selfSigned('localhost');
    live = await startLive({
      ...{ DB: login, DB_PASSWORD: 'p', REDIS: login, JWT_SECRET: 'key' },
      ...{ TLS_KEY: key, TLS_CERT: cert },
      AWS: { accessKeyId: 'AKIA', secretAccessKey: 'secret' },
    });
  });

  afterEach(closeApplications);

  it('make clients that ask for the credentials of the moment', async () => {
    const { secrets } = live;
    const pool = examples.livePassword(secrets);
    const { password } = pool.options;
    const aws = examples.awsCredentials(secrets);
    const { secretOrKeyProvider } = examples.jwtKeys(secrets) as {
      secretOrKeyProvider?: unknown;
    };

    expect(typeof password === 'function' && (await password())).toBe('p');
    expect(await aws.config.credentials()).toMatchObject({ accessKeyId: 'AKIA' });
    expect(secretOrKeyProvider).toBeInstanceOf(Function);
    expect(examples.livePgClient(secrets).options.database).toBe('app');
    expect(examples.liveSequelize(secrets).hasHook('beforeConnect')).toBe(true);
    expect(examples.redisCredentials(secrets)).toHaveProperty('isOpen', false);
    expect(examples.liveKnex(secrets).client.pool.max).toBe(10);
  });

  it('sign tokens that name their key', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
    const { secrets } = await startLive({ JWT_KEY: { kid: '2026-11', key } });
    const tokens = new JwtService(examples.jwtPairs(secrets));

    const token = await tokens.signAsync({ sub: 'ada' });

    expect(tokens.decode<Jwt>(token, { complete: true }).header.kid).toBe('2026-11');
    expect(await tokens.verifyAsync(token)).toMatchObject({ sub: 'ada' });
  });

  it('give a server its certificate', async () => {
    const server = await examples.liveTls(live.secrets);
    const set = jest.spyOn(server, 'setSecureContext');
    const { key, cert } = selfSigned('localhost');

    await live.rotate('TLS_KEY', key);
    await live.rotate('TLS_CERT', cert);

    expect(set).toHaveBeenCalledTimes(1);
    server.emit('close');
  });
});
