import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpClients } from '../../../../lib/drivers/http/wire/http-clients';
import type { HttpAnswer, HttpSteps } from '../../../../lib/drivers/http/wire/http-request';
import { runSync, waitOrBlock } from '../../../../lib/drivers/http/wire/steps';
import { TokenSession, type TokenGrant } from '../../../../lib/drivers/http/login/token-session';
import { SecretManagerError } from '../../../../lib/core/errors/secret-manager.error';
import { failureOf } from '../../../support/failure-of';

const HOUR_MS = 3_600_000;

describe('a session with a token', () => {
  let server: Server;
  let origin: string;
  let clients: HttpClients;
  /** The tokens that the store accepts. */
  let accepted: Set<string>;
  /** The tokens of the requests that arrived. */
  let received: string[];
  let logins: number;
  let grants: (login: number) => TokenGrant;

  beforeEach(async () => {
    accepted = new Set();
    received = [];
    logins = 0;
    grants = (login) => ({ token: `token-${login}`, validForMs: HOUR_MS });
    server = createServer((request, response) => {
      const token = String(request.headers.authorization);
      received.push(token);
      response.writeHead(accepted.has(token) ? 200 : 401).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    clients = new HttpClients('store', { origin });
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await clients.close();
    await new Promise((resolve) => server.close(resolve));
  });

  function sessionOf(logIn: () => HttpSteps<TokenGrant>, renewBeforeEndMs?: number): TokenSession {
    return new TokenSession('store', {
      login: { logIn, renewBeforeEndMs },
      loginClients: clients,
      authorize: (request, token) => ({ ...request, headers: { authorization: token } }),
      isRefused: ({ statusCode }) => statusCode === 401,
    });
  }

  function* logIn(): HttpSteps<TokenGrant> {
    yield* waitOrBlock({ wait: () => Promise.resolve(), block: () => undefined });
    logins += 1;
    return grants(logins);
  }

  const send = (session: TokenSession): Promise<HttpAnswer> =>
    clients.run(session.send({ method: 'GET', url: `${origin}/` }, {}), {});

  it('logs in once for concurrent requests, and keeps the token', async () => {
    accepted.add('token-1');
    const session = sessionOf(logIn);

    const answers = await Promise.all(Array.from({ length: 20 }, () => send(session)));
    await send(session);

    expect(answers.every(({ statusCode }) => statusCode === 200)).toBe(true);
    expect(logins).toBe(1);
    expect(new Set(received)).toEqual(new Set(['token-1']));
  });

  it('logs in again for a token that the store refuses, once for concurrent requests', async () => {
    accepted.add('token-2');
    const session = sessionOf(logIn);

    const answers = await Promise.all(Array.from({ length: 10 }, () => send(session)));

    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(10).fill(200));
    expect(logins).toBe(2);
  });

  it('returns the refusal if the login gives the same token, and pauses before the next login', async () => {
    grants = () => ({ token: 'same', validForMs: HOUR_MS });
    const session = sessionOf(logIn);

    const answer = await send(session);
    const error = await failureOf(send(session));

    expect(answer.statusCode).toBe(401);
    expect(received).toEqual(['same']);
    expect(logins).toBe(2);
    expect(error.code).toBe('UNAUTHENTICATED');
  });

  it('returns the refusal of a second token, and sends no third request', async () => {
    const session = sessionOf(logIn);

    const answer = await send(session);

    expect(answer.statusCode).toBe(401);
    expect(received).toEqual(['token-1', 'token-2']);
  });

  it('fails at once while the pause after a refused login lasts', async () => {
    function* refused(): HttpSteps<TokenGrant> {
      yield* logIn();
      throw new SecretManagerError('UNAUTHENTICATED', 'The login is refused.');
    }
    const session = sessionOf(refused);

    const errors = [await failureOf(send(session)), await failureOf(send(session))];

    expect(errors.map(({ code }) => code)).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
    expect(logins).toBe(1);
  });

  it('pauses for one second after concurrent refusals of one token', async () => {
    grants = () => ({ token: 'same', validForMs: HOUR_MS });
    const session = sessionOf(logIn);
    await Promise.allSettled(Array.from({ length: 100 }, () => send(session)));
    accepted.add('same');
    const start = performance.now();
    jest.spyOn(performance, 'now').mockImplementation(() => start + 1_500);

    const answer = await send(session);

    expect(answer.statusCode).toBe(200);
  });

  it('logs in less and less often while the store refuses every new token', async () => {
    let time = performance.now();
    jest.spyOn(performance, 'now').mockImplementation(() => time);
    const session = sessionOf(logIn);

    for (let tenths = 0; tenths < 600; tenths++) {
      await send(session).catch(() => undefined);
      time += 100;
    }
    const refused = logins;
    accepted.add(`token-${refused + 1}`);
    time += 60_000;
    const answer = await send(session);

    expect(answer.statusCode).toBe(200);
    expect(refused).toBeGreaterThan(6); // two in each of the pauses of 1, 2, 4, 8 and more seconds
    expect(refused).toBeLessThan(25);
  });

  it('pauses for one second again after 30 s without a refusal', async () => {
    let time = performance.now();
    jest.spyOn(performance, 'now').mockImplementation(() => time);
    const session = sessionOf(logIn);
    for (let refusal = 0; refusal < 5; refusal++) {
      await send(session).catch(() => undefined);
      time += 30_000;
    }
    accepted.add(`token-${logins + 1}`);
    const before = await send(session);
    time += 60_000;
    accepted.clear();
    await send(session).catch(() => undefined);

    time += 1_001;
    accepted.add(`token-${logins + 1}`);
    const after = await send(session);

    expect([before.statusCode, after.statusCode]).toEqual([200, 200]);
  });

  it('does not pause after the refusal of a token that a blocking request kept', async () => {
    accepted.add('new');
    function* kept(): HttpSteps<TokenGrant> {
      let isKept = false;
      const token = yield* waitOrBlock({
        wait: () => Promise.resolve('new'),
        block: () => ((isKept = true), 'old'),
      });
      return { token, validForMs: 0, isKept };
    }
    const session = sessionOf(kept);
    const steps = session.send({ method: 'GET', url: `${origin}/` }, {});
    const refusal = { statusCode: 401, headers: {}, body: Buffer.alloc(0), asked: 'GET /' };
    const clientOfLogin = jest.spyOn(clients, 'runSync');
    clientOfLogin.mockImplementation((login) => runSync(login, () => refusal));

    const blocked = runSync(steps, () => refusal);
    const answer = await send(session);

    expect([blocked.statusCode, answer.statusCode]).toEqual([401, 200]);
  });

  it('logs in again at once after an outage of the login', async () => {
    accepted.add('token-2');
    let isDown = true;
    function* flaky(): HttpSteps<TokenGrant> {
      const grant = yield* logIn();
      if (isDown) throw new SecretManagerError('UNAVAILABLE', 'The login is down.');
      return grant;
    }
    const session = sessionOf(flaky);

    const error = await failureOf(send(session));
    isDown = false;
    const answer = await send(session);

    expect(error.code).toBe('UNAVAILABLE');
    expect(answer.statusCode).toBe(200);
  });

  it.each(['', 'with space', 'line\nbreak', undefined as unknown as string])(
    'refuses the token %j',
    async (token) => {
      grants = () => ({ token, validForMs: HOUR_MS });

      const error = await failureOf(send(sessionOf(logIn)));

      expect(error.code).toBe('UNAUTHENTICATED');
      expect(received).toEqual([]);
    },
  );

  describe('renews a token behind the requests', () => {
    let time: number;

    beforeEach(() => {
      accepted = new Set(['token-1', 'token-2', 'token-3']);
      time = performance.now();
      const start = Date.now() - time;
      jest.spyOn(performance, 'now').mockImplementation(() => time);
      jest.spyOn(Date, 'now').mockImplementation(() => start + time);
    });

    const settle = () => new Promise((resolve) => setImmediate(resolve));

    it('at two thirds of its lifetime', async () => {
      grants = (login) => ({ token: `token-${login}`, validForMs: 900_000 });
      const session = sessionOf(logIn);

      await send(session);
      time += 599_000;
      await send(session);
      expect(logins).toBe(1);
      time += 2_000;
      await send(session);
      await settle();
      await send(session);

      expect(received).toEqual(['token-1', 'token-1', 'token-1', 'token-2']);
      expect(logins).toBe(2);
    });

    it('shortly before its end, if the login says so', async () => {
      grants = (login) => ({ token: `token-${login}`, validForMs: 900_000 });
      const session = sessionOf(logIn, 225_000);

      await send(session);
      time += 674_000;
      await send(session);
      expect(logins).toBe(1);
      time += 2_000;
      await send(session);
      await settle();

      expect(logins).toBe(2);
    });

    it('and keeps the old one through an outage, with pauses between the attempts', async () => {
      let isDown = false;
      function* flaky(): HttpSteps<TokenGrant> {
        const grant = yield* logIn();
        if (isDown) throw new SecretManagerError('UNAVAILABLE', 'The login is down.');
        return { ...grant, validForMs: 900_000 };
      }
      const session = sessionOf(flaky);
      await send(session);
      isDown = true;
      time += 601_000;

      for (let request = 0; request < 5; request++) await send(session);
      await settle();

      expect(received).toEqual(Array(6).fill('token-1'));
      expect(logins).toBe(2);
      time += 300_000;
      const error = await failureOf(send(session));
      expect(error.code).toBe('UNAVAILABLE');
    });

    it('and takes the same token again for no failure', async () => {
      accepted.add('same');
      const end = time + 900_000;
      grants = () => ({ token: 'same', validForMs: end - time });
      const session = sessionOf(logIn, 225_000);
      await send(session);
      time += 680_000;

      for (let request = 0; request < 5; request++) {
        await send(session);
        await settle();
      }

      expect(received).toEqual(Array(6).fill('same'));
      expect(logins).toBe(2);
    });
  });
});
