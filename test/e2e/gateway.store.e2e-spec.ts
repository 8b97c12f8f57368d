import { SecretManagerError } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications } from '../support/application';
import { leaks } from '../support/failure-of';
import { MASTER_KEY, hello, startGateway, type Gateway } from '../support/gateway';
import { removeTemporaryFolders } from '../support/temporary-folder';

describe('the gateway with a failing store', () => {
  let store: InMemorySecretManager;
  let gateway: Gateway;

  beforeEach(async () => {
    store = new InMemorySecretManager({ MASTER_KEY });
    gateway = await startGateway(store);
  });

  afterEach(async () => {
    await closeApplications();
    removeTemporaryFolders();
  });

  it.each([
    ['NOT_FOUND', 500],
    ['INVALID_ARGUMENT', 400],
    ['NOT_PERMITTED', 403],
    ['CONFLICT', 409],
    ['UNSUPPORTED', 501],
    ['UNAVAILABLE', 503],
    ['THROTTLED', 503],
    ['TIMEOUT', 503],
    ['CANCELLED', 503],
    ['ACCESS_DENIED', 502],
    ['UNAUTHENTICATED', 502],
    ['MALFORMED', 500],
    ['UNKNOWN', 500],
  ] as const)('answers its %s with status %i, and discloses nothing else', async (code, status) => {
    store.fail(new SecretManagerError(code, 'canary of the details'));
    const key = 'sk-hidden-value-4c1b-7f';

    const answer = await gateway.post('/key/generate', { key });

    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({
      error: {
        message: expect.any(String),
        type: status < 500 ? 'invalid_request_error' : 'server_error',
        param: null,
        code: code.toLowerCase(),
      },
    });
    expect(answer.text).not.toContain('canary of the details');
    expect(leaks(answer.text + gateway.log.lines.join('\n'), key)).toBe(false);
  });

  it('passes on the delay that the store asks for', async () => {
    const throttled = { statusCode: 429, headers: { 'retry-after': '7' } };
    store.fail(Object.assign(new Error(), throttled), { operation: 'writeSecret' });

    const answer = await gateway.post('/key/generate', {});

    expect(answer.status).toBe(503);
    expect(answer.headers).toMatchObject({ 'retry-after': '7' });
  });

  it('accepts cached keys, and reports that it cannot check others', async () => {
    const [known, unknown] = [await gateway.generate(), 'sk-of-nobody-at-all-1'];
    await gateway.post('/v1/chat/completions', hello('echo'), known.key).expect(200);
    store.fail('unavailable');

    const answers = [
      await gateway.post('/v1/chat/completions', hello('echo'), known.key),
      await gateway.post('/v1/chat/completions', hello('echo'), unknown),
      await gateway.post('/key/generate', {}),
    ];

    expect(answers.map(({ status }) => status)).toEqual([200, 503, 503]);
    expect(answers[2]?.body).toEqual({
      error: {
        message: 'The secret store is not available now. Try again later.',
        type: 'server_error',
        param: null,
        code: 'unavailable',
      },
    });
  });

  it('is not ready, but alive', async () => {
    store.fail('unavailable');

    const ready = await gateway.get('/health');
    const alive = await gateway.get('/health/live');

    expect(ready.status).toBe(503);
    expect(ready.body).toMatchObject({ error: { secrets: { code: 'UNAVAILABLE' } } });
    expect(alive.status).toBe(200);
  });

  it('treats an invalid record as a failure, and does not quote it', async () => {
    const { key, token_id } = await gateway.generate();
    store.rotate(`gateway/keys/${token_id}`, 'canary-without-quotes');

    const answer = await gateway.get(`/key/info?key=${key}`);

    expect(answer.status).toBe(500);
    expect(leaks(answer.text + gateway.log.lines.join('\n'), 'canary-without-quotes')).toBe(false);
  });
});

describe('the gateway with invalid requests', () => {
  let gateway: Gateway;

  beforeEach(async () => {
    gateway = await startGateway(new InMemorySecretManager({ MASTER_KEY }));
  });

  afterEach(async () => {
    await closeApplications();
    removeTemporaryFolders();
  });

  it('does not quote an unreadable body', async () => {
    const answer = await gateway.post('/key/generate', '{"key": canary-without-quotes}');

    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ error: { message: 'The body is not valid JSON.' } });
    expect(leaks(answer.text + gateway.log.lines.join('\n'), 'canary-without-quotes')).toBe(false);
  });

  it('does not quote an unknown address', async () => {
    const answer = await gateway.get('/key/sk-canary-in-the-address/nothing');

    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ error: { message: 'There is no such route.' } });
    expect(leaks(answer.text, 'canary-in-the-address')).toBe(false);
  });
});
