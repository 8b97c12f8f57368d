import { SecretManagerModule } from 'nestjs-custom-secret-manager';
import {
  ConjurSecretManager,
  type ConjurSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/cyberark-conjur';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { closeApplications, startApplication, startWith } from '../../support/application';
import { everythingOf, failureOf } from '../../support/failure-of';
import { FakeConjur } from '../../support/fake-conjur';
import { removeTemporaryFolders, temporaryFolder } from '../../support/temporary-folder';

describe('the manager for Conjur', () => {
  let conjur: FakeConjur;
  let manager: ConjurSecretManager;
  const created: ConjurSecretManager[] = [];

  beforeEach(async () => {
    conjur = await new FakeConjur().start();
    manager = create();
  });

  afterEach(async () => {
    await closeApplications();
    await Promise.all(created.splice(0).map((one) => one.close()));
    await conjur.stop();
    removeTemporaryFolders();
  });

  function create(options: Partial<ConjurSecretManagerOptions> = {}): ConjurSecretManager {
    const { address, account, login, apiKey } = conjur;
    const auth = { method: 'api-key', login, apiKey } as const;
    created.push(new ConjurSecretManager({ address, account, auth, ...options }));
    return created.at(-1)!;
  }

  const urlsOf = (method: string): string[] =>
    conjur.requests.filter((request) => request.method === method).map(({ url }) => url);

  const logins = (): number => urlsOf('POST').filter((url) => url.startsWith('/authn')).length;

  describe('reads', () => {
    it('a variable by its whole identifier, encoded as one part', async () => {
      conjur.keep('apps/gateway/db password', 'value');

      const reading = await manager.readSecret('apps/gateway/db password');

      expect(reading).toEqual({ value: 'value' });
      expect(urlsOf('GET')).toEqual(['/secrets/acme/variable/apps%2Fgateway%2Fdb%20password']);
    });

    it('a version', async () => {
      conjur.keep('KEY', 'one');
      conjur.keep('KEY', 'two');

      const readings = [
        await manager.readSecret('KEY', { params: { version: 1 } }),
        await manager.readSecret('KEY', { params: { version: '2' } }),
        await manager.readSecret('KEY', { params: { version: 3 } }),
      ];

      expect(readings.map((reading) => reading?.value)).toEqual(['one', 'two', undefined]);
    });

    it('bytes in an encoding, and refuses bytes that are no UTF-8 without one', async () => {
      conjur.keep('KEY', Buffer.from([0xff, 0x00]));

      const error = await failureOf(manager.readSecret('KEY'));
      const reading = await manager.readSecret('KEY', { params: { encoding: 'hex' } });

      expect(error).toMatchObject({
        code: 'MALFORMED',
        secretName: 'KEY',
        operation: 'readSecret',
      });
      expect(reading?.value).toBe('ff00');
    });

    it('no variable that is missing, without a value or invisible', async () => {
      conjur.keep('EMPTY');
      conjur.keep('HIDDEN', 'value');
      conjur.invisible.add('HIDDEN');

      const names = ['MISSING', 'EMPTY', 'HIDDEN'];
      const readings = await Promise.all(names.map((name) => manager.readSecret(name)));

      expect(readings).toEqual([undefined, undefined, undefined]);
    });

    it('explains in getOrThrow that a missing variable may be invisible', async () => {
      const { secrets } = await startWith(manager);

      const error = await failureOf(secrets.getOrThrow('MISSING'));

      expect(error.code).toBe('NOT_FOUND');
      expect(error.message).toMatch(/so is one that the login may not see/);
    });

    it('a denial as ACCESS_DENIED', async () => {
      conjur.keep('KEY', 'value');
      conjur.denied.add('KEY');

      const error = await failureOf(manager.readSecret('KEY'));

      expect(error).toMatchObject({ code: 'ACCESS_DENIED', manager: 'cyberark-conjur' });
      expect(error.message).toMatch(/"execute"/);
    });

    it.each([{ version: 0 }, { version: 'latest' }, { encoding: 'utf16' }, { stage: 'x' }])(
      'refuses the params %j',
      async (params) => {
        const error = await failureOf(manager.readSecret('KEY', { params }));

        expect(error.code).toBe('INVALID_ARGUMENT');
        expect(conjur.requests).toEqual([]);
      },
    );
  });

  describe('reads several variables', () => {
    it('in batches of fifty, also binary ones', async () => {
      const names = Array.from({ length: 120 }, (_, index) => `apps/gateway/key-${index}`);
      for (const name of names) conjur.keep(name, `value of ${name}`);
      conjur.keep('apps/gateway/key-7', Buffer.from([0xff]));

      const answers = await manager.readSecrets(names);

      expect(answers.get('apps/gateway/key-3')).toEqual({ value: 'value of apps/gateway/key-3' });
      expect(answers.get('apps/gateway/key-7')).toMatchObject({ code: 'MALFORMED' });
      expect(urlsOf('GET')).toHaveLength(3);
    });

    it('one by one if one of them is missing', async () => {
      conjur.keep('A', 'a');
      conjur.keep('B', 'b');

      const answers = await manager.readSecrets(['A', 'MISSING', 'B']);

      expect([...answers.values()]).toEqual([{ value: 'a' }, undefined, { value: 'b' }]);
      expect(urlsOf('GET')).toHaveLength(4);
    });

    it('one by one for ten minutes after a denied batch', async () => {
      conjur.keep('A', 'a');
      conjur.keep('B', 'b');
      conjur.denied.add('B');

      const first = await manager.readSecrets(['A', 'B']);
      const before = urlsOf('GET').length;
      conjur.denied.clear();
      const second = await manager.readSecrets(['A', 'B']);

      expect(first.get('A')).toEqual({ value: 'a' });
      expect(first.get('B')).toMatchObject({ code: 'ACCESS_DENIED' });
      expect(second.get('B')).toEqual({ value: 'b' });
      expect(urlsOf('GET').slice(before)).toHaveLength(2);
    });

    it('keeps a name with a comma out of the batch', async () => {
      for (const name of ['a,b', 'A', 'B']) conjur.keep(name, `value of ${name}`);

      const answers = await manager.readSecrets(['a,b', 'A', 'B']);

      expect(answers.get('a,b')).toEqual({ value: 'value of a,b' });
      expect(urlsOf('GET')).toEqual([
        '/secrets?variable_ids=acme%3Avariable%3AA,acme%3Avariable%3AB',
        '/secrets/acme/variable/a%2Cb',
      ]);
    });
  });

  describe('writes', () => {
    it('the next version of a declared variable', async () => {
      conjur.keep('KEY', 'one');

      await manager.writeSecret('KEY', 'two');

      expect((await manager.readSecret('KEY'))?.value).toBe('two');
      expect((await manager.readSecret('KEY', { params: { version: 1 } }))?.value).toBe('one');
    });

    it('refuses a missing variable with UNSUPPORTED, and names policy', async () => {
      const error = await failureOf(manager.writeSecret('apps/new', 'value'));

      expect(error).toMatchObject({ code: 'UNSUPPORTED', secretName: 'apps/new' });
      expect(error.message).toMatch(/Declare it by policy, or set `policyBranch`/);
    });

    it.each([
      ['apps/gateway', 'apps/gateway/new', '- !variable new\n'],
      ['root', 'apps/new', '- !variable apps/new\n'],
      ['apps', 'apps/a key: "x"', '- !variable "a key: \\"x\\""\n'],
    ])('declares a missing variable below the branch %s', async (policyBranch, name, policy) => {
      manager = create({ policyBranch });

      await manager.writeSecret(name, 'value');

      expect((await manager.readSecret(name))?.value).toBe('value');
      expect(conjur.requests.map(({ body }) => body)).toContain(policy);
    });

    it('refuses a missing variable outside of the branch', async () => {
      const error = await failureOf(
        create({ policyBranch: 'apps' }).writeSecret('db/key', 'value'),
      );

      expect(error.code).toBe('UNSUPPORTED');
      expect(error.message).toMatch('"apps/"');
    });

    it('waits while Conjur loads another policy', async () => {
      conjur.busyLoads = 2;

      await create({ policyBranch: 'root' }).writeSecret('KEY', 'value');

      expect((await manager.readSecret('KEY'))?.value).toBe('value');
    });

    it('ends that wait at the deadline of the call', async () => {
      conjur.busyLoads = Infinity;
      const call = { timeoutMs: 400 };

      const error = await failureOf(
        create({ policyBranch: 'root' }).writeSecret('KEY', 'value', call),
      );

      expect(['TIMEOUT', 'CANCELLED']).toContain(error.code);
    });

    it('refuses a variable that it declared but may not see', async () => {
      conjur.invisible.add('KEY');

      const error = await failureOf(create({ policyBranch: 'root' }).writeSecret('KEY', 'value'));

      expect(error.code).toBe('ACCESS_DENIED');
    });

    it.each(['', ' ', '\n\t'])('refuses the blank value %j', async (value) => {
      const error = await failureOf(manager.writeSecret('KEY', value));

      expect(error.code).toBe('INVALID_ARGUMENT');
      expect(conjur.requests).toEqual([]);
    });

    it('refuses createOnly for a variable with a value, and takes it for one without', async () => {
      conjur.keep('FULL', 'old');
      conjur.keep('EMPTY');

      const error = await failureOf(manager.writeSecret('FULL', 'new', { createOnly: true }));
      await manager.writeSecret('EMPTY', 'new', { createOnly: true });

      expect(error.code).toBe('CONFLICT');
      expect((await manager.readSecret('FULL'))?.value).toBe('old');
      expect((await manager.readSecret('EMPTY'))?.value).toBe('new');
    });

    it('ignores the description and the tags of the settings, and refuses those of a call', async () => {
      conjur.keep('KEY', 'old');
      const { secrets } = await startWith(manager, {
        settings: {
          accessMode: 'read_and_write',
          description: 'of the gateway',
          tags: { team: 'payments' },
        },
      });

      await secrets.set('KEY', 'new');
      const errors = [
        await failureOf(secrets.set('KEY', 'newer', { description: 'another' })),
        await failureOf(secrets.set('KEY', 'newer', { tags: { owner: 'me' } })),
      ];

      expect(await secrets.get('KEY')).toBe('new');
      expect(errors.map(({ code }) => code)).toEqual(['UNSUPPORTED', 'UNSUPPORTED']);
    });

    it('deletes nothing, and names policy', async () => {
      conjur.keep('KEY', 'value');

      const error = await failureOf(manager.deleteSecret('KEY'));

      expect(error).toMatchObject({ code: 'UNSUPPORTED', operation: 'deleteSecret' });
      expect(error.message).toMatch(/policy/);
    });
  });

  describe('logs in', () => {
    it('once, with the login as one part of the path', async () => {
      await Promise.all(['A', 'B', 'C'].map((name) => manager.readSecret(name)));

      expect(urlsOf('POST')).toEqual(['/authn/acme/host%2Fapps%2Fgateway/authenticate']);
      expect(conjur.requests[0]?.body).toBe(conjur.apiKey);
    });

    it('again when the token has ended early', async () => {
      conjur.keep('KEY', 'value');
      await manager.readSecret('KEY');
      conjur.expireTokens();

      expect((await manager.readSecret('KEY'))?.value).toBe('value');
      expect(logins()).toBe(2);
    });

    it('by a JWT in a file, which it reads at each login', async () => {
      const jwtFile = join(temporaryFolder(), 'token');
      writeFileSync(jwtFile, 'stale');
      manager = create({ auth: { method: 'jwt', serviceId: 'kubernetes', jwtFile } });
      writeFileSync(jwtFile, `${conjur.jwt}\n`);
      conjur.keep('KEY', 'value');

      expect((await manager.readSecret('KEY'))?.value).toBe('value');
      expect(urlsOf('POST')).toEqual(['/authn-jwt/kubernetes/acme/authenticate']);
    });

    it('by a JWT with the host in the path', async () => {
      const auth = {
        method: 'jwt',
        serviceId: 'kubernetes',
        jwt: conjur.jwt,
        login: 'host/a',
      } as const;

      await manager.close();
      await create({ auth }).readSecret('KEY');

      expect(urlsOf('POST')).toEqual(['/authn-jwt/kubernetes/acme/host%2Fa/authenticate']);
    });

    it.each(['json', 'base64'])(
      'by the token of a sidecar, as %s, and follows its file',
      async (form) => {
        const path = join(temporaryFolder(), 'access-token');
        const write = (token: string) =>
          writeFileSync(path, form === 'json' ? token : Buffer.from(token).toString('base64'));
        write(conjur.issue());
        conjur.keep('KEY', 'value');
        manager = create({ auth: { method: 'token-file', path } });
        await manager.readSecret('KEY');
        conjur.expireTokens();
        write(conjur.issue());

        expect((await manager.readSecret('KEY'))?.value).toBe('value');
        expect(logins()).toBe(0);
      },
    );

    it('fails with UNAUTHENTICATED for a wrong key, without repeating it', async () => {
      conjur.apiKey = 'another';

      const errors = [
        await failureOf(manager.readSecret('A')),
        await failureOf(manager.readSecret('B')),
      ];

      expect(errors.map(({ code }) => code)).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
      expect(logins()).toBe(1);
    });
  });

  describe('fails', () => {
    it.each([
      ['unavailable', 'UNAVAILABLE'],
      ['denied', 'ACCESS_DENIED'],
      ['unauthenticated', 'UNAUTHENTICATED'],
      ['throttled', 'THROTTLED'],
      ['malformed', 'MALFORMED'],
      ['hanging', 'TIMEOUT'],
    ] as const)('at a store that is %s with %s, and shows no secret', async (fault, code) => {
      conjur.keep('KEY', 'canary-value-77');
      await manager.readSecret('KEY');
      conjur.fault = fault;
      const { secrets, log } = await startWith(manager, { cache: false, retry: false });

      const calls = [
        secrets.get('KEY', { timeoutMs: 200 }),
        secrets.getMany(['KEY', 'B'], { timeoutMs: 200 }),
        manager.checkHealth({ timeoutMs: 200 }),
      ];
      const [read, ...others] = await Promise.allSettled(calls);

      expect(read).toMatchObject({ status: 'rejected', reason: { code } });
      expect(everythingOf([read, others, log.lines])).not.toMatch(/canary-/);
    });

    it('at a page in place of Conjur, which is no absence', async () => {
      const address = `${conjur.address}/wrong`;

      const error = await failureOf(create({ address }).readSecret('KEY'));

      expect(['MISCONFIGURED', 'UNAUTHENTICATED', 'UNAVAILABLE']).toContain(error.code);
    });

    it('with the pause of Retry-After', async () => {
      await manager.readSecret('KEY');
      conjur.fault = 'throttled';
      conjur.retryAfter = '9';

      const error = await failureOf(manager.readSecret('KEY'));

      expect(error).toMatchObject({ code: 'THROTTLED', retryAfterMs: 9_000 });
    });

    it('after it was closed', async () => {
      await manager.close();

      expect((await failureOf(manager.readSecret('KEY'))).code).toBe('UNAVAILABLE');
    });
  });

  describe('checks its options at start', () => {
    it('reports every problem at once', async () => {
      const options = {
        address: 'http://conjur.example',
        auth: { method: 'api-key', login: 7, apiKey: '', password: 'canary-p' },
        tls: { caFile: '/nowhere/ca.pem' },
        policyBranch: '/apps/',
        proxy: 'nonsense',
        applianceUrl: 'x',
      } as unknown as ConjurSecretManagerOptions;
      const useFactory = () => new ConjurSecretManager(options);

      const error = await failureOf(
        startApplication({ imports: [SecretManagerModule.forRoot({ manager: { useFactory } })] }),
      );

      expect(error.code).toBe('MISCONFIGURED');
      for (const part of [
        /address begins with http:/,
        /account is missing/,
        /auth\.login must be a string/,
        /auth\.apiKey is empty/,
        /auth\."password" is not an option/,
        /tls\.caFile.*cannot be read/,
        /policyBranch/,
        /proxy must be a URL/,
        /"applianceUrl" is not an option/,
      ]) {
        expect(error.message).toMatch(part);
      }
      expect(error.message).not.toMatch('canary-p');
    });

    it.each([
      [undefined, /auth is missing/],
      [{ method: 'oidc' }, /auth\.method must be api-key, jwt, token-file/],
      [
        { method: 'jwt', serviceId: 's', jwt: 'a', jwtFile: '/etc/hostname' },
        /both jwt and jwtFile/,
      ],
      [{ method: 'token-file', path: '/nowhere' }, /auth\.path.*cannot be read/],
    ])('refuses the login %j', (auth, message) => {
      const wrong = create({ auth: auth as ConjurSecretManagerOptions['auth'] });

      expect(() => wrong.validateEnvironment()).toThrow(message);
    });

    it.each(['CONJUR', 'CYBERARK'])('comes from the variables of %s', async (family) => {
      const environment: Record<string, string> =
        family === 'CONJUR'
          ? {
              CONJUR_APPLIANCE_URL: conjur.address,
              CONJUR_ACCOUNT: 'acme',
              CONJUR_AUTHN_LOGIN: conjur.login,
              CONJUR_AUTHN_API_KEY: conjur.apiKey,
            }
          : {
              CYBERARK_API_BASE: conjur.address,
              CYBERARK_ACCOUNT: 'acme',
              CYBERARK_USERNAME: conjur.login,
              CYBERARK_API_KEY: conjur.apiKey,
            };
      conjur.keep('KEY', 'value');
      const fromVariables = ConjurSecretManager.fromEnvironment(environment);
      created.push(fromVariables);

      fromVariables.validateEnvironment();
      expect((await fromVariables.readSecret('KEY'))?.value).toBe('value');
    });

    it('reports what the variables lack', () => {
      const empty = ConjurSecretManager.fromEnvironment({ CONJUR_ACCOUNT: '' });

      expect(() => empty.validateEnvironment()).toThrow(
        /address is missing[^]*account is missing[^]*auth is missing/,
      );
    });
  });

  it('is healthy if Conjur knows the login', async () => {
    await expect(manager.checkHealth()).resolves.toBe(true);
    expect(urlsOf('GET')).toEqual(['/whoami']);
  });
});
