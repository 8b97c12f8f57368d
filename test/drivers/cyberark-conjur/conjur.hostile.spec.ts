import {
  ConjurSecretManager,
  type ConjurSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/cyberark-conjur';
import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { failureOf } from '../../support/failure-of';
import { FakeConjur } from '../../support/fake-conjur';
import { removeTemporaryFolders, temporaryFolder } from '../../support/temporary-folder';

describe('the manager for Conjur', () => {
  let conjur: FakeConjur;
  let manager: ConjurSecretManager;
  let created: ConjurSecretManager[];
  let page: Server | undefined;

  beforeEach(async () => {
    created = [];
    conjur = await new FakeConjur().start();
    conjur.keep('KEY', 'value');
    manager = create();
  });

  afterEach(async () => {
    await Promise.all(created.map((one) => one.close()));
    await conjur.stop();
    if (page) await new Promise((resolve) => page?.close(resolve));
    page = undefined;
    removeTemporaryFolders();
  });

  function create(options: Partial<ConjurSecretManagerOptions> = {}): ConjurSecretManager {
    const { address, account, login, apiKey } = conjur;
    const auth = { method: 'api-key', login, apiKey } as const;
    const one = new ConjurSecretManager({ address, account, auth, ...options });
    created.push(one);
    return one;
  }

  describe('with a page of a proxy in place of Conjur', () => {
    beforeEach(async () => {
      await manager.readSecret('KEY');
      conjur.fault = 'malformed';
    });

    it('takes no value for written', async () => {
      const error = await failureOf(manager.writeSecret('KEY', 'other'));

      expect(error.code).toBe('MALFORMED');
    });

    it('is not healthy', async () => {
      expect((await failureOf(manager.checkHealth())).code).toBe('MALFORMED');
    });
  });

  it('reads batches again after a denial that is not one of Conjur', async () => {
    conjur.keep('OTHER', 'value');
    let isDenying = true;
    page = createServer((request, response) => {
      if (isDenying && request.url?.startsWith('/secrets?')) {
        return void response
          .writeHead(403, { 'content-type': 'text/html' })
          .end('<html>canary-body</html>');
      }
      void forward(request.method, request.url, request.headers.authorization).then((answer) =>
        response.writeHead(answer.status, answer.headers).end(answer.body),
      );
    });
    await new Promise<void>((resolve) => page?.listen(0, '127.0.0.1', resolve));
    const { port } = page.address() as AddressInfo;
    manager = create({ address: `http://127.0.0.1:${port}`, auth: tokenFile() });

    const error = await failureOf(manager.readSecrets(['KEY', 'OTHER']));
    isDenying = false;
    conjur.requests.length = 0;
    await manager.readSecrets(['KEY', 'OTHER']);

    expect(error.code).toBe('UNAVAILABLE');
    expect(conjur.requests.map(({ url }) => url.split('?')[0])).toEqual(['/secrets']);
  });

  async function forward(method = '', url = '', authorization = '') {
    const headers = { authorization, 'accept-encoding': 'identity' };
    const answer = await fetch(conjur.address + url, { method, headers });
    return { status: answer.status, headers: {}, body: await answer.text() };
  }

  function tokenFile(): ConjurSecretManagerOptions['auth'] {
    const path = join(temporaryFolder(), 'token');
    execFileSync('sh', ['-c', 'cat > "$0"', path], { input: conjur.issue() });
    return { method: 'token-file', path };
  }

  describe('with a name that no secret can have', () => {
    it.each(['', '.', '..', 'a/../b', 'a//b', '/a', 'a%2Fb', 'a\\b', 'a\nb', '\ud800'])(
      'refuses %j in a read, and sends nothing',
      async (name) => {
        const error = await failureOf(manager.readSecret(name));

        expect(error.code).toBe('INVALID_ARGUMENT');
        expect(conjur.requests).toEqual([]);
      },
    );

    it('answers the other names of a batch', async () => {
      const answers = await manager.readSecrets(['KEY', 'OTHER', '..', '\ud800']);

      expect(answers.get('KEY')).toEqual({ value: 'value' });
      for (const name of ['..', '\ud800']) {
        expect(answers.get(name)).toMatchObject({ code: 'INVALID_ARGUMENT', secretName: name });
      }
    });
  });

  it('refuses a version in a list', async () => {
    const read = manager.readSecret('KEY', { params: { version: ['1'] } });

    expect((await failureOf(read)).code).toBe('INVALID_ARGUMENT');
  });

  it.each(['?', '#', ' ', '\n'])('refuses an address that ends with %j', (end) => {
    const wrong = create({ address: conjur.address + end });

    expect(() => wrong.validateEnvironment()).toThrow(/address must end with the host/);
  });

  it('reports tls that is null at start', () => {
    const wrong = create({ tls: null } as unknown as ConjurSecretManagerOptions);

    expect(() => wrong.validateEnvironment()).toThrow(/tls must be an object, and is null/);
  });
});
