import { JwtModule, JwtService } from '@nestjs/jwt';
import { SecretManagerModule, SecretsService } from 'nestjs-custom-secret-manager';
import { jwtKeys } from 'nestjs-custom-secret-manager/live';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { generateKeyPairSync } from 'node:crypto';
import { Strategy, type StrategyOptionsWithoutRequest } from 'passport-jwt';
import { closeApplications, startApplication } from '../support/application';
import { ROTATIONS, rotateUnderLoad } from './support/rotate-under-load';

jest.setTimeout(60_000 + ROTATIONS * 300);

const OVERLAP_MS = 5_000;

interface Instance {
  readonly secrets: SecretsService;
  readonly tokens: JwtService;
  readonly keys: ReturnType<typeof jwtKeys>;
}

let store: InMemorySecretManager;

beforeEach(() => {
  store = new InMemorySecretManager({ JWT_SECRET: keyOf(0) });
});

afterEach(closeApplications);

const keyOf = (round: number): string => `key-of-round-${round}-with-enough-characters`;

/** Starts an application of its own on the store that all share. */
async function start(
  overlapMs = OVERLAP_MS,
  algorithms?: 'RS256'[] | 'ES256'[],
): Promise<Instance> {
  const found: { keys?: Instance['keys'] } = {};
  const app = await startApplication({
    imports: [
      SecretManagerModule.forRoot({
        manager: { useValue: store },
        environment: {},
        isGlobal: true,
        preload: ['JWT_SECRET'],
      }),
      JwtModule.registerAsync({
        inject: [SecretsService],
        useFactory: (secrets: SecretsService) => {
          const keys = jwtKeys(secrets.secret('JWT_SECRET'), { overlapMs, algorithms });
          found.keys = keys;
          return {
            secretOrKeyProvider: keys,
            signOptions: { algorithm: algorithms?.[0] ?? 'HS256', expiresIn: '1h' },
          };
        },
      }),
    ],
  });
  const { keys } = found;
  if (keys === undefined) throw new Error('the factory did not run');
  return { secrets: app.get(SecretsService), tokens: app.get(JwtService), keys };
}

async function rotate({ secrets }: Instance, key: string): Promise<void> {
  store.rotate('JWT_SECRET', key);
  await secrets.refresh('JWT_SECRET');
}

/** Calls that sign a token, and verify it and one that was signed two rotations ago. */
function callsOf({ tokens }: Instance): {
  readonly call: (verify: (token: string) => Promise<unknown>) => Promise<void>;
  readonly turnOver: () => Promise<void>;
} {
  let old = tokens.sign({ sub: 'ada' });
  let recent = old;
  return {
    call: async (verify) => {
      await verify(await tokens.signAsync({ sub: 'ada' }));
      await verify(old);
    },
    turnOver: async () => {
      old = recent;
      recent = await tokens.signAsync({ sub: 'ada' });
    },
  };
}

/** Resolves to the payload that `passport-jwt` accepts. */
function authenticate({ keys }: Instance, token: string): Promise<{ sub?: string }> {
  return new Promise((resolve, reject) => {
    const options: StrategyOptionsWithoutRequest = {
      jwtFromRequest: () => token,
      secretOrKeyProvider: keys.forPassport,
      algorithms: ['HS256'],
    };
    const strategy = new Strategy(options, (payload: object, done: (...args: unknown[]) => void) =>
      done(null, payload),
    );
    Object.assign(strategy, { success: resolve, fail: reject, error: reject });
    strategy.authenticate({} as never);
  });
}

describe('jwtKeys', () => {
  it('fails no token of @nestjs/jwt that is younger than the overlap', async () => {
    const one = await start();
    const { call, turnOver } = callsOf(one);

    const { failures } = await rotateUnderLoad({
      feed: 'jwtKeys, @nestjs/jwt',
      call: () => call((token) => one.tokens.verifyAsync(token)),
      rotate: async (round) => {
        await turnOver();
        await rotate(one, keyOf(round));
      },
      remove: async () => undefined,
      pauseMs: 100,
    });

    expect(failures).toEqual([]);
  });

  it('fails no request of passport-jwt', async () => {
    const one = await start();
    const { call, turnOver } = callsOf(one);

    const { failures } = await rotateUnderLoad({
      feed: 'jwtKeys, passport-jwt',
      call: () => call((token) => authenticate(one, token)),
      rotate: async (round) => {
        await turnOver();
        await rotate(one, keyOf(round));
      },
      remove: async () => undefined,
      pauseMs: 100,
    });

    expect(failures).toEqual([]);
  });

  it('accepts a token of an instance that has the newer key already', async () => {
    const [one, other] = [await start(), await start()];
    await rotate(other, keyOf(1));
    const token = await other.tokens.signAsync({ sub: 'ada' });

    expect(await one.tokens.verifyAsync(token)).toMatchObject({ sub: 'ada' });
    expect(await authenticate(one, token)).toMatchObject({ sub: 'ada' });
  });

  it('rejects a token whose key was replaced before the overlap', async () => {
    const one = await start(0);
    const token = await one.tokens.signAsync({ sub: 'ada' });
    await rotate(one, keyOf(1));

    await expect(one.tokens.verifyAsync(token)).rejects.toThrow('invalid signature');
    await expect(authenticate(one, token)).rejects.toThrow('invalid signature');
  });

  it('reads the store at most three times for a flood of forged tokens', async () => {
    const one = await start();
    const other = new JwtService({ secret: 'of somebody else' });
    const before = store.calls.length;

    for (let round = 0; round < 20; round += 1) {
      const forged = await other.signAsync({ sub: 'eve', round });
      await expect(one.tokens.verifyAsync(forged)).rejects.toThrow('invalid signature');
    }

    expect(store.calls.length - before).toBeLessThanOrEqual(3);
  });

  it.each(['RS256', 'ES256'] as const)(
    'signs and verifies with %s, also after a change',
    async (algorithm) => {
      const keyPem = (): string => {
        const { privateKey } =
          algorithm === 'RS256'
            ? generateKeyPairSync('rsa', { modulusLength: 2048 })
            : generateKeyPairSync('ec', { namedCurve: 'P-256' });
        return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      };
      store.rotate('JWT_SECRET', keyPem());
      const one = await start(OVERLAP_MS, [algorithm] as 'RS256'[]);
      const old = await one.tokens.signAsync({ sub: 'ada' });
      await rotate(one, keyPem());
      const fresh = await one.tokens.signAsync({ sub: 'bob' });
      const hmac = await new JwtService({ secret: keyOf(0) }).signAsync({ sub: 'eve' });

      expect(await one.tokens.verifyAsync(old)).toMatchObject({ sub: 'ada' });
      expect(await one.tokens.verifyAsync(fresh)).toMatchObject({ sub: 'bob' });
      await expect(one.tokens.verifyAsync(hmac)).rejects.toThrow('invalid signature');
    },
  );
});
