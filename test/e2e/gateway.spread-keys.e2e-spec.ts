import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications } from '../support/application';
import { FakeProvider } from '../support/fake-provider';
import { MASTER_KEY, hello, modelEntry, startGateway, type Gateway } from '../support/gateway';
import { removeTemporaryFolders } from '../support/temporary-folder';

const KEY = 'sk-prov9d2c7a41Wzq4xTKf82mn7qrstuv';
const PARTS = KEY.match(/.{1,7}/g) ?? [];

type Choice = Readonly<Record<string, unknown>>;

const event = (content: object): string => `data: ${JSON.stringify(content)}\n\n`;
const chunk = (choice: Choice, index = 0): string =>
  event({ id: 'x', choices: [{ index, finish_reason: null, ...choice }] });
const END = chunk({ delta: {}, finish_reason: 'stop' });
const others = (): Choice =>
  Object.fromEntries(Array.from({ length: 1_100 }, () => [`f${Math.random()}`, 'z']));

/** The ways in which a stream spreads the key. */
const STREAMS: readonly (readonly [string, (part: string, at: number) => string])[] = [
  ['in `content`', (part) => chunk({ delta: { content: part } })],
  [
    'in `content` with a role each',
    (part) => chunk({ delta: { role: 'assistant', content: part } }),
  ],
  ['in `text`', (part) => chunk({ text: part, delta: {} })],
  ['in `message.content`', (part) => chunk({ message: { content: part } })],
  ['in another field each', (part, at) => chunk({ delta: { [`c${at}`]: part } })],
  [
    'in the content and the arguments of a tool in turn',
    (part, at) =>
      chunk({
        delta:
          at % 2
            ? { content: part }
            : { tool_calls: [{ index: 0, function: { arguments: part } }] },
      }),
  ],
  ['in another choice each', (part, at) => chunk({ delta: { content: part } }, at)],
  ['in parts of a list', (part) => chunk({ delta: { content: [{ type: 'text', text: part }] } })],
  [
    'beside a choice with many fields',
    (part) => chunk({ delta: { content: part } }) + chunk({ delta: others() }, 1),
  ],
  [
    'beside another choice',
    (part) => chunk({ delta: { content: part } }) + chunk({ delta: { content: 'z' } }, 1),
  ],
  ['outside of its choices', (part) => event({ choices: [], note: part })],
];

describe('a key that a provider spreads', () => {
  let provider: FakeProvider;
  let gateway: Gateway;

  beforeAll(async () => {
    provider = await new FakeProvider(KEY).start();
    const api_key = 'os.environ/PROVIDER_KEY';
    const store = new InMemorySecretManager({ MASTER_KEY, PROVIDER_KEY: KEY });
    gateway = await startGateway(store, [
      modelEntry('gpt', 'openai/gpt', { api_key, api_base: `${provider.url}/v1` }),
      modelEntry('claude', 'anthropic/claude', { api_key, api_base: provider.url }),
    ]);
  });

  afterAll(async () => {
    await closeApplications();
    await provider.stop();
    removeTemporaryFolders();
  });

  const ask = (model: string, content: object = {}): ReturnType<Gateway['post']> =>
    gateway.post('/v1/chat/completions', { ...hello(model), ...content });

  /** Counts the parts that passed unchanged. The first one may, because it is shorter than eight characters. */
  const shown = (text: string): number => PARTS.filter((part) => text.includes(part)).length;

  it.each(STREAMS)('over a stream %s is removed', async (_, toEvents) => {
    provider.reply(200, [...PARTS.map(toEvents), END, event({}), 'data: [DONE]\n\n'].join(''), {
      'content-type': 'text/event-stream',
    });

    const { text } = await ask('gpt', { stream: true }).expect(200);

    expect(text).toContain('sk-prov');
    expect(shown(text)).toBe(1);
  });

  it.each<[string, object]>([
    ['parts of a content', { message: { content: PARTS.map((text) => ({ type: 'text', text })) } }],
    ['a list of texts', { message: { content: PARTS } }],
    ['fields', { message: Object.fromEntries(PARTS.map((part, at) => [`f${at}`, part])) }],
  ])('over %s of an answer is removed', async (_, choice) => {
    provider.reply(
      200,
      JSON.stringify({ choices: [{ index: 0, finish_reason: 'stop', ...choice }] }),
    );

    const { body } = await ask('gpt').expect(200);

    expect(shown(JSON.stringify(body))).toBe(1);
  });

  it('over blocks of Anthropic is removed, even with other blocks between them', async () => {
    const content = PARTS.flatMap((text) => [
      { type: 'text', text },
      { type: 'thinking', thinking: 'zzz', text: 'zzz' },
    ]);
    provider.reply(200, JSON.stringify({ id: 'i', model: 'm', content, stop_reason: 'end_turn' }));

    const { body } = await ask('claude').expect(200);

    expect(body.choices[0].message.content).toBe('[redacted]');
  });

  it('over more choices than OpenAI makes ends the stream', async () => {
    const many = Array.from({ length: 129 }, (_, at) => chunk({ delta: { content: 'z' } }, at));
    provider.reply(200, [...many, END, 'data: [DONE]\n\n'].join(''), {
      'content-type': 'text/event-stream',
    });

    const { text } = await ask('gpt', { stream: true }).expect(200);

    expect(text).toContain('The provider answered more than the gateway takes.');
  });

  it.each(['[null]', '[1]', '[{"type":"text"}]', '[{"type":"text","text":{}}]', '{}'])(
    'causes a provider error in a malformed content of Anthropic: %s',
    async (content) => {
      provider.reply(200, `{"id":"i","model":"m","content":${content},"stop_reason":null}`);

      const { body } = await ask('claude').expect(502);

      expect(body.error.code).toBe('provider_error');
      expect(gateway.log.lines.join('\n')).toContain(
        'model "claude": The provider answered something',
      );
      expect(gateway.log.lines.join('\n')).not.toContain('TypeError');
    },
  );

  it('is not quoted from a reported error', async () => {
    const error = JSON.stringify({
      error: { message: 'Our disk is full', type: 'x9', code: 'y9' },
    });
    const begun = chunk({ delta: { content: 'a' } });
    const headers = { 'content-type': 'text/event-stream' };
    provider.reply(200, error);
    const whole = await ask('gpt').expect(502);
    provider.reply(200, `data: ${error}\n\n`, headers);
    const first = await ask('gpt', { stream: true }).expect(502);
    provider.reply(200, `${begun}data: ${error}\n\n`, headers);
    const later = await ask('gpt', { stream: true }).expect(200);

    for (const { text } of [whole, first, later]) {
      expect(text).toContain('"message":"The provider reported an error."');
      expect(text).not.toMatch(/disk|x9|y9/);
    }
  });

  it.each([
    'sk-pro••••stuv',
    'sk-proxxxxstuv',
    'sk-proXXXXstuv',
    'sk-pro[...]stuv',
    'sk-pro..stuv',
    'sk-pro…stuv',
    'sk-pro <hidden> stuv',
    'sk-p****',
    '####stuv',
    'qrstuv',
    'sk-prov',
    Buffer.from(KEY).toString('hex'),
    Buffer.from(KEY).toString('hex').toUpperCase(),
  ])('into an error as %s is removed', async (given) => {
    provider.reply(400, JSON.stringify({ error: { message: `Key ${given} is wrong.` } }));

    const { body } = await ask('gpt').expect(400);

    expect(body.error.message).toBe('Key [redacted] is wrong.');
  });
});
