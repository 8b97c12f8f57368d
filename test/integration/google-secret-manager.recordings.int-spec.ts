import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FakeGoogleSecretManager } from '../support/fake-google-secret-manager';

interface Exchange {
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly query: Readonly<Record<string, string>>;
    readonly body: Readonly<Record<string, unknown>> | null;
  };
  readonly response: { readonly status: number; readonly body: Readonly<Record<string, unknown>> };
}

const FOLDER = join(__dirname, 'recordings', 'google-secret-manager');
const TOKEN = 'token-of-the-replay';

const RECORDINGS = readdirSync(FOLDER).map((file): [string, readonly Exchange[]] => {
  const { exchanges } = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as {
    exchanges: readonly Exchange[];
  };
  return [file, exchanges];
});

/** Times and etags are the server's own. They were replaced in the recordings as well, so that only their places count. */
function normalised(body: unknown): unknown {
  return JSON.parse(
    JSON.stringify(body, (key, value: unknown) =>
      ['createTime', 'destroyTime', 'etag'].includes(key) ? `some ${key}` : value,
    ),
  );
}

/**
 * Replays recorded traffic of Google. Normalised are `createTime`, `destroyTime` and `etag` of answers, and the `etag`
 * of a request, which is the last one that the fake gave for the resource.
 */
describe('The fake of Google Secret Manager', () => {
  let fake: FakeGoogleSecretManager;

  beforeEach(async () => {
    fake = await new FakeGoogleSecretManager().start();
    fake.logins.tokens.add(TOKEN);
  });

  afterEach(() => fake.stop());

  it('is replayed with all recordings', () => {
    const exchanges = RECORDINGS.flatMap(([, recorded]) => recorded);

    expect(RECORDINGS).toHaveLength(3);
    expect(exchanges).toHaveLength(28);
  });

  it.each(RECORDINGS)('answers as Google did in %s', async (_, exchanges) => {
    const etags = new Map<unknown, unknown>();

    for (const { request, response } of exchanges) {
      const { method, path, query, body } = request;
      const etag = etags.get(path.replace(/^.*\/secrets\//, '').replace(/:\w+$/, ''));
      const sent = body !== null && 'etag' in body ? { ...body, etag } : body;

      const answered = await fetch(
        `${fake.address}${path}?${new URLSearchParams(query).toString()}`,
        {
          method,
          headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
          body: sent === null ? undefined : JSON.stringify(sent),
        },
      );
      const answer = (await answered.json()) as Readonly<Record<string, unknown>>;

      const asked = `${method} ${path}`;
      expect([asked, answered.status, normalised(answer)]).toEqual([
        asked,
        response.status,
        normalised(response.body),
      ]);
      etags.set(String(answer.name).replace(/^.*\/secrets\//, ''), answer.etag);
    }
  });
});
