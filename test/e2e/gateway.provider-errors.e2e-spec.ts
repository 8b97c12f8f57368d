import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications } from '../support/application';
import { leaks } from '../support/failure-of';
import { FakeProvider } from '../support/fake-provider';
import { MASTER_KEY, hello, modelEntry, startGateway, type Gateway } from '../support/gateway';
import { removeTemporaryFolders } from '../support/temporary-folder';

const KEY = 'sk-proj/9d2c+7a41"zq4x\\Kf82mn7Q';
const ALIGNED = Buffer.from(`xyz${KEY}`).toString('base64');
const SHIFTED = Buffer.from(`x${KEY}`).toString('base64');

const inUnicode = (text: string, form = (digits: string): string => digits): string =>
  [...text].map((char) => `\\u${form(char.charCodeAt(0).toString(16).padStart(4, '0'))}`).join('');

/** Forms of the key inside a string of JSON. */
const FORMS: readonly (readonly [string, string, string])[] = [
  ['unchanged', JSON.stringify(KEY).slice(1, -1), KEY],
  ['with \\/', JSON.stringify(KEY).slice(1, -1).replaceAll('/', '\\/'), KEY],
  ['with \\u002b', JSON.stringify(KEY).slice(1, -1).replaceAll('+', '\\u002b'), KEY],
  ['in escapes', inUnicode(KEY), KEY],
  ['in escapes with capitals', inUnicode(KEY, (digits) => digits.toUpperCase()), KEY],
  ['beside surrogates', `\\ud83d\\udd11${inUnicode(KEY)}\\uD83D`, KEY],
  ['without its beginning', inUnicode(KEY.slice(9)), KEY],
  ['without its end', inUnicode(KEY.slice(0, -9)), KEY],
  ['shortened to long ends', `${KEY.slice(0, 12)}****${KEY.slice(-8)}`, KEY],
  ['percent-encoded', encodeURIComponent(KEY), KEY],
  ['in Base64', ALIGNED, ALIGNED.slice(4, -4)],
  ['in Base64 at another offset', SHIFTED, SHIFTED.slice(2, -4)],
];

describe('an answer of a provider', () => {
  let provider: FakeProvider;
  let gateway: Gateway;

  beforeAll(async () => {
    provider = await new FakeProvider(KEY).start();
    const api_base = `${provider.url}/v1`;
    const params = { api_key: 'os.environ/PROVIDER_KEY', api_base };
    const store = new InMemorySecretManager({ MASTER_KEY, PROVIDER_KEY: KEY });
    gateway = await startGateway(store, [modelEntry('gpt', 'openai/gpt', params)]);
  });

  afterAll(async () => {
    await closeApplications();
    await provider.stop();
    removeTemporaryFolders();
  });

  const ask = (content: object = {}): ReturnType<Gateway['post']> =>
    gateway.post('/v1/chat/completions', { ...hello('gpt'), ...content });

  it.each(FORMS)('discloses no key %s', async (_, form, canary) => {
    const choice = {
      index: 0,
      message: { role: 'assistant', content: 'KEY' },
      finish_reason: 'stop',
    };
    const whole = JSON.stringify({ KEY: ['KEY'], choices: [choice] }).replaceAll('KEY', form);
    const part = JSON.stringify({ choices: [{ index: 0, delta: { content: 'KEY' } }], KEY: 'KEY' });
    const error = `{"error":{"message":"wrong: ${form}","type":"${form}","code":"x ${form}","param":"${form}"}}`;
    const seen: string[] = [];

    provider.reply(200, whole);
    seen.push(JSON.stringify((await ask().expect(200)).body));
    provider.reply(200, `data: ${part.replaceAll('KEY', form)}\n\ndata: ${error}\n\n`);
    seen.push((await ask({ stream: true }).expect(200)).text);
    for (const status of [400, 404, 409, 422]) {
      provider.reply(status, error, {
        'x-request-id': 'of-the-provider',
        'x-key': KEY.slice(0, 20),
      });
      const { body, headers } = await ask().expect(status);
      seen.push(JSON.stringify([body, headers]));
    }
    provider.reply(429, error, { 'retry-after': KEY });
    seen.push(JSON.stringify((await ask().expect(429)).headers));

    const parsed = seen.join('\n').replaceAll('\\"', '"').replaceAll('\\\\', '\\');
    expect(leaks(parsed, canary)).toBe(false);
    expect(leaks(parsed, encodeURIComponent(KEY))).toBe(false);
    expect(leaks(gateway.log.lines.join('\n'), canary)).toBe(false);
    expect(parsed).toContain('[redacted]');
  });

  it("discloses no end of a key that is shortened like OpenAI's", async () => {
    provider.reply(400, `{"error":{"message":"Incorrect API key: sk-proj****mn7Q. Or sk-...n7Q"}}`);

    const { body } = await ask().expect(400);

    expect(body.error.message).toBe('Incorrect API key: [redacted]. Or [redacted]');
  });

  it('keeps the details of the request, up to 2 000 characters', async () => {
    const message = `Messages with ... and **bold** are fine. ${'x'.repeat(5_000)}`;
    provider.reply(400, JSON.stringify({ error: { message, code: 'c', type: 't', param: 'p' } }));

    const { body } = await ask().expect(400);

    expect(body.error).toEqual({
      message: message.slice(0, 2_000),
      code: 'c',
      type: 't',
      param: 'p',
    });
  });

  it.each([
    ['seconds', { 'retry-after': '7' }, '7', 7_000],
    ['a date', { 'retry-after': new Date(Date.now() + 90_000).toUTCString() }, undefined, 90_000],
    ['milliseconds', { 'retry-after-ms': '1500', 'retry-after': '2' }, '2', 1_500],
    ['a date that has passed', { 'retry-after': new Date(0).toUTCString() }, '0', 0],
  ])('passes on a delay given as %s', async (_, given, seconds, ms) => {
    for (const status of [429, 500, 503, 529]) {
      provider.reply(status, '{}', given);

      const { headers } = await ask();

      const after = Number(headers['retry-after']);
      expect(after).toBe(seconds === undefined ? after : Number(seconds));
      expect(Math.abs(after * 1_000 - ms)).toBeLessThanOrEqual(30_000);
      expect(Math.abs(Number(headers['retry-after-ms']) - ms)).toBeLessThanOrEqual(30_000);
    }
  });

  it('does not pass on an invalid delay', async () => {
    provider.reply(429, '{}', { 'retry-after': 'soon' });

    const { headers } = await ask().expect(429);

    expect(headers).not.toHaveProperty('retry-after');
  });

  it.each(['code', 'type'])('passes on an exhausted quota, by its %s', async (field) => {
    const before = provider.requests.length;
    provider.reply(429, JSON.stringify({ error: { message: 'x', [field]: 'insufficient_quota' } }));
    const client = gateway.client(MASTER_KEY).withOptions({ maxRetries: 3 });

    const asked = client.chat.completions.create(hello('gpt'));

    await expect(asked).rejects.toMatchObject({
      status: 429,
      code: 'insufficient_quota',
      type: 'insufficient_quota',
    });
    expect(provider.requests).toHaveLength(before + 1);
  });
});
