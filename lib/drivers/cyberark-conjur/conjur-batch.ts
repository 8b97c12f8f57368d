import type { SecretReading } from '../../core/contract/custom-secret-manager';
import { now } from '../../core/time/clock';
import { encodeBytes, type Encoding } from '../../core/validation/encoding';
import { jsonOf, type HttpAnswer, type HttpRequest } from '../http/wire/http-request';
import { secretNameProblem } from '../../core/validation/secret-name';
import { isErrorLike } from '../../core/errors/safe-access';
import { storeError } from '../http/wire/store-errors';
import { CONJUR } from './conjur-errors';
import type { ConjurUrls } from './conjur-urls';

type Answers = ReadonlyMap<string, SecretReading | Error>;

const BATCH_SIZE = 50;
/** A URL that every server and proxy takes. */
const LONGEST_URL = 6_000;
/** The pause after a denied batch. One variable that the login may not see denies all, and may be permitted later. */
const DENIAL_LASTS_MS = 600_000;
/** The statuses of a batch that concern one of its variables: denied, missing, or not text. */
const CONCERNS_ONE: ReadonlySet<number> = new Set([403, 404, 406]);

/** Reads many variables with few requests. Leaves out the names that need a request of their own. */
export class ConjurBatches {
  readonly #urls: ConjurUrls;
  #deniedUntil = -Infinity;

  constructor(urls: ConjurUrls) {
    this.#urls = urls;
  }

  /** Resolves to the readings, without the names that have to be read one by one. */
  async read(
    secretNames: readonly string[],
    encoding: Encoding,
    send: (request: HttpRequest) => Promise<HttpAnswer>,
  ): Promise<Answers> {
    const answers = new Map<string, SecretReading | Error>();
    for (const batch of this.batches(secretNames)) {
      if (now() < this.#deniedUntil) break;
      for (const [name, answer] of await this.readBatch(batch, encoding, send))
        answers.set(name, answer);
    }
    return answers;
  }

  private async readBatch(
    batch: readonly string[],
    encoding: Encoding,
    send: (request: HttpRequest) => Promise<HttpAnswer>,
  ): Promise<Answers> {
    const headers = { 'accept-encoding': 'base64' }; // else one binary value fails the batch
    const answer = await send({ method: 'GET', url: this.#urls.variables(batch), headers });
    if (CONCERNS_ONE.has(answer.statusCode) && CONJUR.reasonOf(answer) !== undefined) {
      if (answer.statusCode === 403) this.#deniedUntil = now() + DENIAL_LASTS_MS;
      return new Map();
    }
    const content = answer.statusCode === 200 ? jsonOf(answer) : undefined;
    if (content === undefined) throw storeError(answer, 'Reading a batch of variables', CONJUR);
    const isBase64 = answer.headers['content-encoding'] === 'base64';
    const values = batch.map((name) => [name, content[this.#urls.idOf(name)]] as const);
    return new Map(
      values.flatMap(([name, value]) =>
        typeof value === 'string' ? [[name, readingOf(value, isBase64, encoding, name)]] : [],
      ),
    );
  }

  /**
   * Returns the batches. A name with a comma cannot be in one, and a batch of one saves nothing. An impossible name gets
   * its own error from its own read.
   */
  private batches(secretNames: readonly string[]): readonly (readonly string[])[] {
    const batches: string[][] = [[]];
    for (const name of secretNames) {
      if (secretNameProblem(name) !== undefined || name.includes(',')) continue;
      const last = batches.at(-1) ?? [];
      const isFull =
        last.length === BATCH_SIZE || this.#urls.variables([...last, name]).length > LONGEST_URL;
      if (isFull) batches.push([name]);
      else last.push(name);
    }
    return batches.filter(({ length }) => length > 1);
  }
}

function readingOf(
  value: string,
  isBase64: boolean,
  encoding: Encoding,
  name: string,
): SecretReading | Error {
  const bytes = Buffer.from(value, isBase64 ? 'base64' : 'utf8');
  try {
    return { value: encodeBytes(bytes, encoding, name) };
  } catch (error) {
    if (isErrorLike(error)) return error;
    throw error;
  }
}
