import { JwtModule, JwtService, type JwtSignOptions } from '@nestjs/jwt';
import { Test } from '@nestjs/testing';
import { jwtKeys, type JwtAlgorithm, type JwtKeys } from 'nestjs-custom-secret-manager/live';
import { createHash, createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Strategy } from 'passport-jwt';
import { closeApplications } from '../../../support/application';
import { CANARY, shown, startLive, type Live } from '../support';

const VERIFY = 1;
const SUB = { sub: 'ada' };

interface Pair {
  readonly pem: string;
  readonly publicPem: string;
  readonly jwk: object;
  readonly thumbprint: string;
}

function pairOf(algorithm: string): Pair {
  const { privateKey, publicKey } = algorithm.startsWith('ES')
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = (key: KeyObject, type: 'pkcs8' | 'spki'): string =>
    key.export({ type: type, format: 'pem' }).toString();
  const { crv, e, kty, n, x, y } = publicKey.export({ format: 'jwk' });
  const text = JSON.stringify(kty === 'RSA' ? { e, kty, n } : { crv, kty, x, y });
  return {
    pem: pem(privateKey, 'pkcs8'),
    publicPem: pem(publicKey, 'spki'),
    jwk: privateKey.export({ format: 'jwk' }),
    thumbprint: createHash('sha256').update(text).digest('base64url'),
  };
}

/** Makes keys once, because keys of RSA take long. */
const pairs = new Map<string, Pair>();
function pair(algorithm: string, name: string): Pair {
  const kind = `${algorithm.slice(0, 2).replace('P', 'R')}-${name}`;
  const made = pairs.get(kind) ?? pairOf(algorithm);
  pairs.set(kind, made);
  return made;
}

/** Starts the module of `@nestjs/jwt` with these keys. */
async function tokensOf(keys: JwtKeys, signOptions: object): Promise<JwtService> {
  const module = JwtModule.registerAsync({
    useFactory: () => ({ secretOrKeyProvider: keys, signOptions }),
  });
  return (await Test.createTestingModule({ imports: [module] }).compile()).get(JwtService);
}

/** Resolves to what `passport-jwt` makes of a token. */
function passport(keys: JwtKeys, token: string, algorithms?: JwtAlgorithm[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const strategy = new Strategy(
      { jwtFromRequest: () => token, secretOrKeyProvider: keys.forPassport, algorithms },
      (payload: object, done: (...args: unknown[]) => void) => done(null, payload),
    );
    Object.assign(strategy, { success: resolve, fail: reject, error: reject });
    strategy.authenticate({} as never);
  });
}

function headerOf(token: string): { readonly kid?: string; readonly alg?: string } {
  const [header = ''] = token.split('.');
  return JSON.parse(Buffer.from(header, 'base64url').toString()) as object;
}

/** Signs without the feed. */
const sign = (privateKey: string, options: JwtSignOptions & { keyid?: string }): string =>
  new JwtService().sign(SUB, { privateKey, ...options });

afterEach(closeApplications);

describe.each(['RS256', 'PS256', 'ES256'] as const)('jwtKeys with %s', (algorithm) => {
  const [first, second] = [pair(algorithm, 'first'), pair(algorithm, 'second')];
  let live: Live;
  let keys: JwtKeys;
  let tokens: JwtService;

  const start = async (value: string | object): Promise<void> => {
    live = await startLive({ KEY: value });
    keys = jwtKeys(live.secret('KEY'), { overlapMs: 60_000, algorithms: [algorithm] });
    tokens = await tokensOf(keys, keys.signOptions({ expiresIn: '1h' }));
  };

  /** Resolves to whether both libraries accept the token. */
  const accepts = async (token: string): Promise<boolean> => {
    const outcomes = await Promise.allSettled([
      tokens.verifyAsync(token),
      tokens.verifyAsync(token, { algorithms: [algorithm] }),
      passport(keys, token),
      passport(keys, token, [algorithm]),
    ]);
    const [{ status }] = outcomes;
    expect(outcomes.map((outcome) => outcome.status)).toEqual(Array(4).fill(status));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') {
        expect(outcome.reason).toMatchObject({ message: 'invalid signature' });
      }
    }
    return status === 'fulfilled';
  };

  it.each<[string, (given: Pair) => string | object, (given: Pair) => string]>([
    ['a PEM', ({ pem }) => pem, ({ thumbprint }) => thumbprint],
    ['a JWK', ({ jwk }) => jwk, ({ thumbprint }) => thumbprint],
    ['a JWK with kid', ({ jwk }) => ({ ...jwk, kid: 'of-jwk' }), () => 'of-jwk'],
    ['JSON with kid', ({ pem }) => ({ kid: 'of-json', key: pem }), () => 'of-json'],
    ['JSON without kid', ({ pem }) => ({ key: pem }), ({ thumbprint }) => thumbprint],
  ])('signs with the kid of %s, and verifies', async (_, valueOf, kidOf) => {
    await start(valueOf(first));

    const made = [tokens.sign(SUB), await tokens.signAsync(SUB, { expiresIn: '5m' })];

    expect(made.map(headerOf)).toEqual(
      Array(2).fill(expect.objectContaining({ kid: kidOf(first), alg: algorithm })),
    );
    expect(await Promise.all(made.map(accepts))).toEqual([true, true]);
    expect(tokens.verify(made[0] ?? '')).toMatchObject(SUB);
  });

  it('signs with the next kid after a change, and accepts both', async () => {
    await start({ kid: 'one', key: first.pem });
    const before = await tokens.signAsync(SUB);

    await live.rotate('KEY', { kid: 'two', key: second.pem });
    const after = await tokens.signAsync(SUB);

    expect([headerOf(before).kid, headerOf(after).kid]).toEqual(['one', 'two']);
    expect([await accepts(before), await accepts(after)]).toEqual([true, true]);
  });

  it('refuses a token that names another key than the one that signed it', async () => {
    await start({ kid: 'one', key: first.pem });
    await live.rotate('KEY', { kid: 'two', key: second.pem });

    const swapped = [
      sign(first.pem, { algorithm, keyid: 'two' }),
      sign(second.pem, { algorithm, keyid: 'one' }),
      sign(second.pem, { algorithm, keyid: 'unknown' }),
      sign(second.pem, { algorithm, keyid: '' }),
    ];

    expect(await Promise.all(swapped.map(accepts))).toEqual([false, false, false, false]);
  });

  it('tries the keys for a token without kid', async () => {
    await start({ kid: 'one', key: first.pem });
    await live.rotate('KEY', { kid: 'two', key: second.pem });

    expect(await accepts(sign(first.pem, { algorithm }))).toBe(true);
    expect(await accepts(sign(second.pem, { algorithm }))).toBe(true);
    expect(await accepts(sign(pair(algorithm, 'third').pem, { algorithm }))).toBe(false);
  });

  it('tries two keys with the same kid', async () => {
    await start({ kid: 'main', key: first.pem });
    const before = await tokens.signAsync(SUB);
    await live.rotate('KEY', { kid: 'main', key: second.pem });

    expect([await accepts(before), await accepts(await tokens.signAsync(SUB))]).toEqual([
      true,
      true,
    ]);
  });

  it('reads once more for an unknown kid, and at most three times in vain', async () => {
    await start({ kid: 'one', key: first.pem });
    live.store.rotate('KEY', JSON.stringify({ kid: 'two', key: second.pem })); // by another instance
    const before = live.store.calls.length;

    expect(await accepts(sign(second.pem, { algorithm, keyid: 'two' }))).toBe(true);
    const reads = live.store.calls.length - before;
    for (let at = 0; at < 10; at += 1)
      await accepts(sign(first.pem, { algorithm, keyid: `x${at}` }));

    expect(reads).toBe(1);
    expect(live.store.calls.length - before).toBeLessThanOrEqual(4);
  });

  it('verifies with a public key, and refuses to sign with it', async () => {
    await start(first.publicPem);

    expect(await accepts(sign(first.pem, { algorithm }))).toBe(true);
    expect(await accepts(sign(first.pem, { algorithm, keyid: first.thumbprint }))).toBe(true);
    expect(() => tokens.sign(SUB)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  });

  it.each([
    ['the public key as text', () => first.publicPem],
    ['the private key as text', () => first.pem],
    ['a trimmed public key', () => first.publicPem.trim()],
  ])('refuses an HMAC that is made with %s', async (_, keyOf) => {
    await start(first.pem);
    const [payload] = sign(first.pem, { algorithm }).split('.').slice(1);
    const encode = (part: object): string =>
      Buffer.from(JSON.stringify(part)).toString('base64url');

    for (const kid of [undefined, first.thumbprint]) {
      const content = `${encode({ alg: 'HS256', typ: 'JWT', kid })}.${payload}`;
      const forged = `${content}.${createHmac('sha256', keyOf()).update(content).digest('base64url')}`;
      await expect(tokens.verifyAsync(forged)).rejects.toThrow();
      await expect(passport(keys, forged)).rejects.toThrow();
      await expect(passport(keys, forged, ['HS256', algorithm])).rejects.toThrow();
    }
  });

  it('refuses a token without a signature, and the algorithm none', async () => {
    await start(first.pem);
    const [, payload, signature] = sign(first.pem, { algorithm }).split('.');
    const header = (alg: string): string =>
      Buffer.from(JSON.stringify({ alg, kid: first.thumbprint })).toString('base64url');

    for (const alg of ['none', 'None', algorithm]) {
      for (const end of ['', `${alg === algorithm ? 'AAAA' : signature}`]) {
        const forged = `${header(alg)}.${payload}.${end}`;
        await expect(tokens.verifyAsync(forged)).rejects.toThrow();
        await expect(passport(keys, forged)).rejects.toThrow();
      }
    }
  });

  it.each([
    ['a text', CANARY],
    ['broken JSON', `{"kid":"${CANARY}"`],
    ['JSON without a key', { kid: CANARY }],
    ['JSON with an empty kid', { kid: '', key: first.pem }],
    ['JSON with a number as kid', { kid: 12_345_678, key: first.pem }],
    ['JSON with a text as key', { kid: 'one', key: CANARY }],
    ['a JWK for HMAC', { kty: 'oct', k: CANARY }],
    ['a JWK that lacks a field', { kty: 'RSA', n: CANARY }],
    ['a spoiled PEM', `-----BEGIN PRIVATE KEY-----\n${CANARY}\n-----END PRIVATE KEY-----\n`],
  ])('fails for %s, with the name and no value', async (_, value) => {
    await start(value);
    const failures = await Promise.all([
      tokens.verifyAsync(sign(first.pem, { algorithm })).catch((error: unknown) => error),
      passport(keys, sign(first.pem, { algorithm })).catch((error: unknown) => error),
      Promise.resolve()
        .then(() => tokens.sign(SUB))
        .catch((error: unknown) => error),
    ]);

    for (const failure of failures) {
      expect(failure).toMatchObject({ code: 'MALFORMED', secretName: 'KEY' });
      expect(String(failure)).toContain('The secret "KEY" ');
      expect(shown(failure)).not.toMatch(/tell-nobody|12345678|BEGIN/);
    }
    expect(shown(live.log.lines)).not.toMatch(/tell-nobody|12345678|BEGIN/);
  });

  it('verifies with the replaced key while the new one is malformed', async () => {
    await start(first.pem);
    const token = await tokens.signAsync(SUB);

    await live.rotate('KEY', CANARY);

    expect(await accepts(token)).toBe(true);
    expect(() => tokens.sign(SUB)).toThrow('"KEY"');
    live.store.rotate('KEY', second.pem);
    expect(await accepts(sign(second.pem, { algorithm }))).toBe(true);
    expect(shown(live.log.lines)).not.toContain(CANARY);
  });
});

describe('signOptions', () => {
  it('keeps the options, and gives the first algorithm', async () => {
    const { secret } = await startLive({ KEY: 'key-of-hmac', PEM: pair('RS256', 'first').pem });
    const hmac = jwtKeys(secret('KEY'), { overlapMs: 1 });
    const rsa = jwtKeys(secret('PEM'), { overlapMs: 1, algorithms: ['PS512', 'RS256'] });

    expect(hmac.signOptions({ expiresIn: '1h' })).toEqual({ algorithm: 'HS256', expiresIn: '1h' });
    expect(hmac.signOptions({ keyid: 'mine' })).toEqual({ algorithm: 'HS256', keyid: 'mine' });
    expect({ ...rsa.signOptions() }).toEqual({
      algorithm: 'PS512',
      keyid: pair('RS256', 'first').thumbprint,
    });
    expect(rsa.signOptions({ algorithm: 'RS256' }).algorithm).toBe('RS256');
  });

  it.each([
    ['a keyid', { keyid: 'mine' }],
    ['an algorithm that is not accepted', { algorithm: 'ES256' }],
  ])('refuses %s', async (_, options) => {
    const { secret } = await startLive({ PEM: pair('RS256', 'first').pem });
    const keys = jwtKeys(secret('PEM'), { overlapMs: 1, algorithms: ['RS256'] });

    expect(() => keys.signOptions(options)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});

describe('jwtKeys with HMAC', () => {
  it('tries the keys, whatever the kid says', async () => {
    const { secret, rotate } = await startLive({ KEY: 'key-0' });
    const keys = jwtKeys(secret('KEY'), { overlapMs: 60_000 });
    await rotate('KEY', 'key-1');

    const found = ['key-0', 'key-1'].map((key) =>
      keys(VERIFY, new JwtService().sign(SUB, { secret: key, keyid: 'of-somebody' })),
    );

    expect(found).toEqual(['key-0', 'key-1']);
  });

  it.each([
    ['an empty key', ''],
    ['a private key', pair('RS256', 'first').pem],
    ['a public key', pair('RS256', 'first').publicPem],
    ['a JWK', JSON.stringify(pair('RS256', 'first').jwk)],
    ['a JWK for HMAC', '{"kty":"oct","k":"a2V5"}'],
  ])('refuses %s', async (_, value) => {
    const { secrets, rotate } = await startLive({ KEY: 'key-0' });
    const keys = jwtKeys(secrets.secret('KEY', { allowEmpty: true }), { overlapMs: 60_000 });
    await rotate('KEY', value);
    const content = `${Buffer.from('{"alg":"HS256"}').toString('base64url')}.e30`;
    const signature = createHmac('sha256', value).update(content).digest('base64url');

    expect(() => keys(0, {})).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
    await expect(keys(VERIFY, `${content}.${signature}`)).rejects.toMatchObject({
      code: 'MALFORMED',
    });
  });
});

describe('forPassport', () => {
  const failing = (): never => {
    throw new TypeError(CANARY);
  };

  it('throws what the callback throws to the caller, if a known key fits', async () => {
    const { secret } = await startLive({ KEY: 'key-0' });
    const { forPassport } = jwtKeys(secret('KEY'), { overlapMs: 1 });

    expect(() => forPassport({}, new JwtService().sign(SUB, { secret: 'key-0' }), failing)).toThrow(
      TypeError,
    );
  });

  it('calls back once, and logs a callback that throws after a read', async () => {
    const { secret, log } = await startLive({ KEY: 'key-0' });
    const { forPassport } = jwtKeys(secret('KEY'), { overlapMs: 1 });
    const done = jest.fn(failing);

    forPassport({}, new JwtService().sign(SUB, { secret: 'key-1' }), done);
    while (log.warnings.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));

    expect(done).toHaveBeenCalledTimes(1);
    expect(log.warnings.join()).toContain('the callback of passport-jwt threw TypeError.');
    expect(log.lines.join()).not.toContain(CANARY);
  });
});
