import type {
  DeleteOptions,
  SecretDescription,
  SecretMetadata,
  SecretReading,
  WriteOptions,
} from '../../core/custom-secret-manager';
import { SecretManagerError } from '../../core/secret-manager.error';
import { isAbsent, subjectOf, type Engine } from './engine';
import { isObject, type VaultAnswer } from './exchange';
import { valueOf } from './field';
import type { VaultCall } from './vault-call';
import type { VaultRequest } from './vault-client';
import { sayingsOf, vaultError } from './vault-errors';
import { vaultPath } from './vault-path';
import type { VaultSession } from './vault-session';

type Fields = Readonly<Record<string, unknown>>;
type Method = 'GET' | 'POST' | 'DELETE';
type Part = 'data' | 'metadata';

/** The state of a secret: its fields, unless the latest version was deleted, and the version to follow. */
interface Kept {
  readonly fields: Fields | undefined;
  readonly version: number;
}

const DESCRIPTION = 'description';
const DEFAULT_FIELD = 'value';
const MAX_ATTEMPTS = 4;

/** The versioned key-value engine. Description and tags are kept as its custom metadata. */
export class Kv2Engine implements Engine {
  readonly #session: VaultSession;

  constructor(session: VaultSession) {
    this.#session = session;
  }

  async read(call: VaultCall): Promise<SecretReading | undefined> {
    return readingOf(keptOf(await this.ask(call, 'GET', 'data'), call), call);
  }

  readSync(call: VaultCall): SecretReading | undefined {
    const answer = this.#session.sendSync(requestOf(call, 'GET', 'data'), call.options);
    return readingOf(keptOf(answer, call), call);
  }

  /** Description and tags are written after the value: if that fails, the value is there, and a repetition does no harm. */
  async write(call: VaultCall, value: string, options: WriteOptions): Promise<SecretMetadata> {
    const { description, tags } = options;
    assertTags(tags);
    const metadata = options.createOnly
      ? await this.create(call, value)
      : await this.update(call, value);
    if (description !== undefined || tags !== undefined) await this.describeAs(call, options);
    return metadata;
  }

  /** The engine keeps what is deleted until somebody restores or destroys it; without a window nothing of it is kept. */
  async delete(call: VaultCall, { recoveryWindowInDays }: DeleteOptions): Promise<void> {
    const part = recoveryWindowInDays === 0 ? 'metadata' : 'data';
    const answer = await this.ask(call, 'DELETE', part);
    if (answer.statusCode !== 204 && !isAbsent(answer)) throw failure(answer, 'Deleting', call);
  }

  async describe(call: VaultCall): Promise<SecretDescription> {
    const { [DESCRIPTION]: description, ...tags } = await this.customMetadata(call);
    return { ...(description !== undefined && { description }), tags };
  }

  private async kept(call: VaultCall): Promise<Kept> {
    return keptOf(await this.ask(call, 'GET', 'data'), call);
  }

  /** Follows no version; after a deletion, the one that was deleted. */
  private async create(call: VaultCall, value: string): Promise<SecretMetadata> {
    const fields = { [call.field ?? DEFAULT_FIELD]: value };
    const first = await this.put(call, fields, 0);
    if (first.statusCode === 200) return metadataOf(first);
    if (!isOvertaken(first)) throw failure(first, 'Creating', call);
    const kept = await this.kept({ ...call, version: undefined });
    if (kept.fields !== undefined) throw failure(first, 'Creating', call);
    const second = await this.put(call, fields, kept.version);
    if (second.statusCode === 200) return metadataOf(second);
    throw failure(second, 'Creating', call);
  }

  private async update(call: VaultCall, value: string): Promise<SecretMetadata> {
    if (call.field !== undefined) return await this.merge(call, { [call.field]: value });
    const answer = await this.put(call, { [DEFAULT_FIELD]: value });
    if (answer.statusCode === 200) return metadataOf(answer);
    if (isCasRequired(answer)) return await this.merge(call, { [DEFAULT_FIELD]: value });
    throw failure(answer, 'Writing', call);
  }

  /** Of a secret with several fields, the others stay: also those that somebody else writes at the same moment. */
  private async merge(call: VaultCall, fields: Fields, attempt = 1): Promise<SecretMetadata> {
    const kept = await this.kept({ ...call, version: undefined });
    const others = call.field === undefined ? {} : kept.fields;
    const answer = await this.put(call, { ...others, ...fields }, kept.version);
    if (answer.statusCode === 200) return metadataOf(answer);
    if (isOvertaken(answer) && attempt < MAX_ATTEMPTS) {
      return await this.merge(call, fields, attempt + 1);
    }
    throw failure(answer, 'Writing', call);
  }

  private put(call: VaultCall, data: Fields, cas?: number): Promise<VaultAnswer> {
    const options = cas === undefined ? undefined : { cas };
    return this.ask({ ...call, version: undefined }, 'POST', 'data', { data, options });
  }

  /** What is not given stays as it is. */
  private async describeAs(call: VaultCall, { description, tags }: WriteOptions): Promise<void> {
    const { [DESCRIPTION]: before, ...tagsBefore } = await this.customMetadata(call);
    const content = {
      custom_metadata: { ...(tags ?? tagsBefore), [DESCRIPTION]: description ?? before },
    };
    const answer = await this.ask(call, 'POST', 'metadata', content);
    if (answer.statusCode !== 204 && answer.statusCode !== 200) {
      throw failure(answer, 'The value was written, but describing', call);
    }
  }

  private async customMetadata(call: VaultCall): Promise<Readonly<Record<string, string>>> {
    const answer = await this.ask(call, 'GET', 'metadata');
    if (isAbsent(answer)) return {};
    if (answer.statusCode !== 200) throw failure(answer, 'Reading the description of', call);
    const { custom_metadata: metadata } = objectOf(answer.content?.data);
    return Object.fromEntries(
      Object.entries(objectOf(metadata)).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string',
      ),
    );
  }

  private ask(call: VaultCall, method: Method, part: Part, content?: object): Promise<VaultAnswer> {
    return this.#session.send(requestOf(call, method, part, content), call.options);
  }
}

function requestOf(
  { mount, name, namespace, version }: VaultCall,
  method: Method,
  part: Part,
  content?: object,
): VaultRequest {
  const isOfVersion = version !== undefined && method === 'GET' && part === 'data';
  const query = isOfVersion ? `?version=${version}` : '';
  return { method, path: `${vaultPath(mount, part, name)}${query}`, namespace, content };
}

function keptOf(answer: VaultAnswer, call: VaultCall): Kept {
  if (isAbsent(answer)) return { fields: undefined, version: 0 };
  const { data: fields, metadata } = objectOf(answer.content?.data);
  const { version } = objectOf(metadata);
  const isKept = answer.statusCode === 200 && isObject(fields);
  const isDeleted = fields === null && [200, 404].includes(answer.statusCode); // looks like a success but for the status
  if (typeof version !== 'number' || !(isKept || isDeleted)) throw failure(answer, 'Reading', call);
  return { fields: isKept ? fields : undefined, version };
}

function readingOf({ fields, version }: Kept, call: VaultCall): SecretReading | undefined {
  const value = fields && valueOf(fields, call.field);
  return value === undefined ? undefined : { value, version: String(version) };
}

function failure(answer: VaultAnswer, doing: string, call: VaultCall): SecretManagerError {
  return vaultError(answer, subjectOf(doing, call));
}

function metadataOf({ content }: VaultAnswer): SecretMetadata {
  const { version, created_time: createdAt } = objectOf(content?.data);
  return {
    ...(typeof version === 'number' && { version: String(version) }),
    ...(typeof createdAt === 'string' && { createdAt: new Date(createdAt) }),
  };
}

function isOvertaken(answer: VaultAnswer): boolean {
  return (
    answer.statusCode === 400 && sayingsOf(answer).includes('check-and-set parameter did not match')
  );
}

function isCasRequired(answer: VaultAnswer): boolean {
  return (
    answer.statusCode === 400 && sayingsOf(answer).includes('check-and-set parameter required')
  );
}

function assertTags(tags: WriteOptions['tags']): void {
  if (tags === undefined || !Object.hasOwn(tags, DESCRIPTION)) return;
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    `A tag cannot be named "${DESCRIPTION}" here: use the option of that name.`,
  );
}

function objectOf(candidate: unknown): Fields {
  return isObject(candidate) ? candidate : {};
}
