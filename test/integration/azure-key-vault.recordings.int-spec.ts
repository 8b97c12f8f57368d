import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FakeAzureKeyVault } from '../support/fake-azure-key-vault';
import { CLIENT_ID, CLIENT_SECRET } from '../support/fake-azure-logins';

interface Exchange {
  readonly request: {
    readonly method: string;
    readonly host: string;
    readonly path: string;
    readonly query: Readonly<Record<string, string>>;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: unknown;
  };
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: unknown;
  };
}

interface Recording {
  readonly id: string;
  readonly exchanges: readonly Exchange[];
}

interface Seen {
  readonly status: number;
  readonly challenge: string | null;
  readonly body: unknown;
}

const FOLDER = join(__dirname, 'recordings/azure-key-vault');
const RECORDINGS = readdirSync(FOLDER).map(
  (file) => JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Recording,
);
const PATIENCE_MS = 3_000;
const TIMES = ['created', 'updated', 'deletedDate'];

/**
 * Normalises what only the server can know, and compares the rest. Hosts, versions, times and tokens become words; the
 * time of the removal counts from the deletion. The texts of errors are left out: the codes count.
 */
class Normaliser {
  readonly #versions = new Map<string, string>();

  seen({ status, challenge, body }: Seen): Seen {
    const resource = /resource="[^"]*"/.exec(challenge ?? '')?.[0] ?? null;
    return { status, challenge: resource, body: this.plain(body) };
  }

  private plain(content: unknown): unknown {
    if (Array.isArray(content)) return content.map((item) => this.plain(item));
    if (typeof content !== 'object' || content === null) return content;
    const fields = content as Record<string, unknown>;
    const entries = Object.entries(fields)
      .filter(([name, value]) => value !== undefined && name !== 'message')
      .map(([name, value]) => [name, this.field(name, value, fields)] as const);
    return Object.fromEntries(entries);
  }

  private field(name: string, value: unknown, { deletedDate }: Record<string, unknown>): unknown {
    if (TIMES.includes(name)) return 'a time';
    if (name === 'access_token') return 'a token';
    if (name === 'scheduledPurgeDate') return Number(value) - Number(deletedDate);
    if (typeof value !== 'string' || !URL.canParse(value)) return this.plain(value);
    const { pathname, searchParams } = new URL(value);
    const path = pathname.replace(/[0-9a-f]{32}/, (version) => this.version(version));
    return [path, ...[...searchParams].map((parameter) => parameter.join('=')).sort()];
  }

  /** Returns the version of this side that the other side calls so. */
  versionOf(word: string): string {
    return [...this.#versions].find(([, known]) => known === word)?.[0] ?? word;
  }

  version(id: string): string {
    const word = this.#versions.get(id) ?? `version ${this.#versions.size + 1}`;
    this.#versions.set(id, word);
    return word;
  }
}

function numberIn(recording: Recording, field: string): number {
  return Number(new RegExp(`"${field}":(\\d+)`).exec(JSON.stringify(recording))?.[1] ?? Number.NaN);
}

async function send(
  fake: FakeAzureKeyVault,
  { request, response }: Exchange,
  token: string,
  path: string,
): Promise<Seen> {
  const { method, query, headers, body } = request;
  const url = new URL(path, fake.url);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const text = typeof body === 'string' ? withOwnLogin(body) : JSON.stringify(body);
  const answer = await fetch(url, {
    method,
    headers: { ...headers, ...(response.status === 401 ? {} : { authorization: token }) },
    body: body === null ? undefined : text,
  });
  const answered = await answer.text();
  return {
    status: answer.status,
    challenge: answer.headers.get('www-authenticate'),
    body: answered === '' ? null : (JSON.parse(answered) as unknown),
  };
}

/** Replaces the login of the recording, which is a placeholder, by that of the fake. */
function withOwnLogin(body: string): string {
  const form = new URLSearchParams(body);
  form.set('client_id', CLIENT_ID);
  form.set('client_secret', CLIENT_SECRET);
  return form.toString();
}

describe('The recorded traffic of Azure Key Vault', () => {
  it('is there', () => {
    expect(RECORDINGS.map(({ id }) => id).sort()).toEqual([
      'create-read-update-delete-purge',
      'delete-recover',
      'disabled',
      'versions',
    ]);
  });

  it.each(RECORDINGS.map((recording) => [recording.id, recording] as const))(
    'gets the recorded answers from the fake (%s)',
    async (_, recording) => {
      const fake = await new FakeAzureKeyVault({
        deletionMs: 150,
        recoveryMs: 150,
        recoverableDays: numberIn(recording, 'recoverableDays'),
        tokenSeconds: numberIn(recording, 'expires_in') || 3_600,
      }).start();
      const token = `Bearer ${fake.logins.accept('of-the-replay')}`;
      const [recorded, replayed] = [new Normaliser(), new Normaliser()];

      for (const exchange of recording.exchanges) {
        const { status, headers, body } = exchange.response;
        const challenge = headers['www-authenticate'] ?? null;
        const path = exchange.request.path.replace(/[0-9a-f]{32}/, (id) =>
          replayed.versionOf(recorded.version(id)),
        );
        const endsAt = performance.now() + PATIENCE_MS;
        let seen = await send(fake, exchange, token, path);
        while (seen.status !== status && performance.now() < endsAt) {
          await new Promise((resolve) => setTimeout(resolve, 20)); // a poll of the recording
          seen = await send(fake, exchange, token, path);
        }

        const expected = recorded.seen({ status, challenge, body });
        expect(replayed.seen(seen)).toEqual(expected);
      }
      await fake.stop();
      expect(recording.exchanges.length).toBeGreaterThan(4);
    },
  );
});
