import { randomBytes } from 'node:crypto';
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { FakeAzureLogins, type LoginSettings } from './fake-azure-logins';

/** A failure of the vault. The logins go on, except with `unavailable`. */
export type VaultFault =
  'unavailable' | 'denied' | 'unauthenticated' | 'throttled' | 'hanging' | 'malformed' | 'slow';

export interface FakeAzureOptions extends LoginSettings {
  /** The time until a deletion is done, in milliseconds. */
  readonly deletionMs?: number;
  /** The time until a recovered secret can be read, in milliseconds. */
  readonly recoveryMs?: number;
  /** The time after that until it can be written, in milliseconds. */
  readonly recoveredMs?: number;
  readonly recoverableDays?: number;
  readonly isPurgeForbidden?: boolean;
  /** The resource that the challenge names. */
  readonly resource?: string;
  /** `Retry-After` of a throttled answer, in seconds. Default: none, as often. */
  readonly retryAfter?: string;
  /** Answers as the vault would, or `undefined` for its usual answer. */
  readonly intercept?: (request: FakeAzureRequest) => FakeAzureAnswer | undefined;
  readonly tls?: { readonly cert: string; readonly key: string };
}

export interface FakeAzureRequest {
  readonly method: string;
  /** The path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface FakeAzureAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface Attributes {
  readonly enabled?: boolean;
  readonly exp?: number;
  readonly nbf?: number;
}

interface Version extends Properties {
  readonly id: string;
  readonly value: string;
  attributes: Attributes & { readonly created: number; readonly updated: number };
}

interface Properties {
  contentType?: string;
  tags?: Readonly<Record<string, string>>;
}

interface Stored {
  readonly name: string;
  readonly versions: Version[];
  deletedAt?: number;
  /** The time at which the recovery began. */
  recoveredAt?: number;
}

type Body = Properties & { readonly value?: unknown; readonly attributes?: Attributes };

const NAME = /^[0-9A-Za-z-]{1,127}$/;
const LARGEST_VALUE = 25 * 1024;
const DAY_SECONDS = 86_400;
/** A text in denials that no error of a driver may hold, like the ids that Azure quotes. */
export const CANARY_OF_A_DENIAL = 'appid=canary-7d1f-app;ip=203.0.113.77;iss=canary-tenant';

/** A fake of Azure Key Vault, and of the logins of Azure. Its times can be as short as a test wants. */
export class FakeAzureKeyVault {
  readonly requests: FakeAzureRequest[] = [];
  options: FakeAzureOptions;
  readonly logins: FakeAzureLogins;
  readonly #secrets = new Map<string, Stored>();
  readonly #sockets = new Set<Socket>();
  readonly #server;
  #fault: VaultFault | undefined;

  constructor(options: FakeAzureOptions = {}) {
    this.options = options;
    this.logins = new FakeAzureLogins(() => this.options);
    this.#server = options.tls ? createHttpsServer(options.tls) : createHttpServer();
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('request', (incoming, response) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const url = new URL(incoming.url ?? '/', 'http://fake');
        const request = {
          method: incoming.method ?? '',
          path: decodeURIComponent(url.pathname),
          query: url.searchParams,
          headers: incoming.headers,
          body: Buffer.concat(chunks).toString(),
        };
        if (this.#fault === 'unavailable') return incoming.socket.destroy();
        const answer = this.answer(request);
        if (answer === undefined) return undefined;
        const { status, headers = {}, body } = answer;
        const reply = (): void => {
          response.writeHead(status, { 'content-type': 'application/json', ...headers });
          response.end(typeof body === 'string' ? body : JSON.stringify(body));
        };
        if (this.#fault === 'slow') setTimeout(reply, 300);
        else reply();
        return undefined;
      });
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `${this.options.tls ? 'https' : 'http'}://${this.host}`;
  }

  /** The requests to the vault, as `GET /secrets/NAME`. */
  get asked(): string[] {
    return this.requests.map(({ method, path }) => `${method} ${path}`);
  }

  fail(fault: VaultFault | undefined): void {
    this.#fault = fault;
  }

  /** Forgets all secrets and requests. */
  reset(): void {
    this.#secrets.clear();
    this.requests.length = 0;
    this.#fault = undefined;
  }

  /** Stores a version without a request. Throws for a name that a vault cannot have. */
  seed(name: string, value: string, content: Body = {}): string {
    if (!NAME.test(name)) throw new Error('a vault cannot have this name');
    return this.add(name, { ...content, value }).id;
  }

  /** Enables or disables the current version. */
  enable(name: string, enabled: boolean): void {
    const current = this.#secrets.get(name.toLowerCase())?.versions.at(-1);
    if (current) current.attributes = { ...current.attributes, enabled };
  }

  /** Returns the current version as it is stored. */
  current(name: string): Version | undefined {
    return this.#secrets.get(name.toLowerCase())?.versions.at(-1);
  }

  private answer(request: FakeAzureRequest): FakeAzureAnswer | undefined {
    const login = this.logins.answer(request);
    if (login !== undefined) return login;
    this.requests.push(request);
    const intercepted = this.options.intercept?.(request);
    if (intercepted !== undefined) return intercepted;
    if (this.#fault === 'hanging') return undefined;
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (this.#fault === 'unauthenticated' || !this.logins.isValid(token)) return this.challenge();
    if (this.#fault === 'denied') return forbidden('ForbiddenByRbac');
    if (this.#fault === 'throttled') return this.throttled();
    if (this.#fault === 'malformed') return { status: 200, body: '{"value": ["canary-of-a-body"' };
    return this.route(request);
  }

  private route(request: FakeAzureRequest): FakeAzureAnswer {
    const { method, path, query } = request;
    if (query.get('api-version') === null) return failure(400, 'BadParameter');
    const [, folder, name = '', part, ...more] = path.replace(/\/$/, '').split('/');
    if (!NAME.test(name) || more.length > 0) return failure(400, 'BadParameter');
    const body = (request.body === '' ? {} : JSON.parse(request.body)) as Body;
    if (folder === 'deletedsecrets') {
      if (method === 'GET' && part === undefined) return this.deleted(name);
      if (method === 'DELETE' && part === undefined) return this.purge(name);
      if (method === 'POST' && part === 'recover') return this.recover(name);
    }
    if (folder !== 'secrets') return failure(404, 'NotFound');
    if (method === 'GET' && part === 'versions') return this.versions(name, query);
    if (method === 'GET') return this.read(name, part);
    if (method === 'PUT' && part === undefined) return this.write(name, body);
    if (method === 'PATCH') return this.update(name, part, body);
    if (method === 'DELETE' && part === undefined) return this.delete(name);
    return failure(405, 'BadParameter');
  }

  private read(name: string, id: string | undefined): FakeAzureAnswer {
    const stored = this.readable(name);
    const version = versionIn(stored, id);
    if (stored === undefined || version === undefined) return notFound(name);
    if (version.attributes.enabled === false) {
      const text = 'Operation get is not allowed on a disabled secret.';
      return failure(403, 'Forbidden', text, 'SecretDisabled');
    }
    return ok({ value: version.value, ...this.describe(stored, version) });
  }

  private write(name: string, body: Body): FakeAzureAnswer {
    const { value, tags = {} } = body;
    const isTooBig = typeof value !== 'string' || Buffer.byteLength(value) > LARGEST_VALUE;
    const entries = Object.entries(tags).flat();
    const areTagsWrong = entries.length > 30 || entries.some(({ length }) => length > 256);
    if (isTooBig || areTagsWrong) return failure(400, 'BadParameter');
    const busy = this.busy(name, 'ObjectIsDeletedButRecoverable');
    if (busy !== undefined) return busy;
    const version = this.add(name, { ...body, value });
    const stored = this.readable(name);
    if (stored === undefined) throw new Error('it was written, and is not there');
    return ok({ value, ...this.describe(stored, version) });
  }

  private update(name: string, id: string | undefined, body: Body): FakeAzureAnswer {
    const stored = this.readable(name);
    const version = versionIn(stored, id);
    if (stored === undefined || version === undefined) return notFound(name);
    const { tags = version.tags, contentType = version.contentType, attributes } = body;
    Object.assign(version, { tags, contentType });
    version.attributes = { ...version.attributes, ...attributes };
    return ok(this.describe(stored, version));
  }

  /** Lists versions from the newest to the oldest, 25 on a page. */
  private versions(name: string, query: URLSearchParams): FakeAzureAnswer {
    const stored = this.readable(name);
    const size = Number(query.get('maxresults') ?? 25);
    const start = Number(query.get('$skiptoken')?.replace('page-', '') ?? 0);
    const all = [...(stored?.versions ?? [])].reverse();
    const page = all.slice(start, start + size);
    const value = page.flatMap((one) => (stored ? [this.describe(stored, one)] : []));
    const next = new URL(`${this.url}/secrets/${name}/versions`);
    next.searchParams.set('api-version', query.get('api-version') ?? '');
    next.searchParams.set('$skiptoken', `page-${start + size}`);
    next.searchParams.set('maxresults', String(size));
    return ok({ value, nextLink: start + size < all.length ? next.href : null });
  }

  private delete(name: string): FakeAzureAnswer {
    const busy = this.busy(name);
    if (busy !== undefined) return busy;
    const stored = this.readable(name);
    if (stored === undefined) return notFound(name);
    stored.deletedAt = Date.now();
    return ok(this.describeDeleted(stored));
  }

  private deleted(name: string): FakeAzureAnswer {
    const stored = this.#secrets.get(name.toLowerCase());
    const isDeleted = stored && this.stateOf(stored) === 'deleted';
    return isDeleted ? ok(this.describeDeleted(stored)) : deletedNotFound(name);
  }

  private purge(name: string): FakeAzureAnswer {
    const stored = this.#secrets.get(name.toLowerCase());
    const state = stored && this.stateOf(stored);
    if (state === 'deleting') return conflict('ObjectIsBeingDeleted');
    if (state !== 'deleted') return deletedNotFound(name);
    if (this.options.isPurgeForbidden) return forbidden();
    this.#secrets.delete(name.toLowerCase());
    return { status: 204, body: '' };
  }

  private recover(name: string): FakeAzureAnswer {
    const stored = this.#secrets.get(name.toLowerCase());
    const state = stored && this.stateOf(stored);
    if (state === 'deleting') return conflict('ObjectIsBeingDeleted');
    if (stored === undefined || state !== 'deleted') return deletedNotFound(name);
    stored.deletedAt = undefined;
    stored.recoveredAt = Date.now();
    return ok(this.describe(stored, stored.versions.at(-1)));
  }

  /** Returns the conflict of a secret that is being deleted or recovered. */
  private busy(name: string, whenDeleted?: string): FakeAzureAnswer | undefined {
    const stored = this.#secrets.get(name.toLowerCase());
    const state = stored && this.stateOf(stored);
    const isGone = state === 'deleted' || state === 'deleting';
    if (isGone && whenDeleted === undefined) return undefined;
    if (state === 'deleted') return conflict(String(whenDeleted));
    if (state === 'deleting') return conflict('ObjectIsBeingDeleted');
    return state === 'recovering' || state === 'recovered'
      ? conflict('ObjectIsBeingRecovered')
      : undefined;
  }

  /** Returns `recovered` for a secret that can be read again, and not yet be written. */
  private stateOf({
    deletedAt,
    recoveredAt,
  }: Stored): 'active' | 'deleting' | 'deleted' | 'recovering' | 'recovered' {
    const { deletionMs = 0, recoveryMs = 0, recoveredMs = 0 } = this.options;
    if (deletedAt !== undefined) {
      return Date.now() < deletedAt + deletionMs ? 'deleting' : 'deleted';
    }
    const elapsedMs = Date.now() - (recoveredAt ?? 0);
    if (elapsedMs < recoveryMs) return 'recovering';
    return elapsedMs < recoveryMs + recoveredMs ? 'recovered' : 'active';
  }

  private readable(name: string): Stored | undefined {
    const stored = this.#secrets.get(name.toLowerCase());
    const isThere = stored && ['active', 'recovered'].includes(this.stateOf(stored));
    return isThere ? stored : undefined;
  }

  private add(name: string, { value, attributes, tags, contentType }: Body): Version {
    const key = name.toLowerCase();
    const stored = this.#secrets.get(key) ?? { name, versions: [] };
    this.#secrets.set(key, stored);
    const now = Math.floor(Date.now() / 1_000);
    const version: Version = {
      id: randomBytes(16).toString('hex'),
      value: String(value),
      contentType,
      tags: Object.keys(tags ?? {}).length > 0 ? tags : undefined,
      attributes: { enabled: true, ...attributes, created: now, updated: now },
    };
    stored.versions.push(version);
    return version;
  }

  private describe({ name }: Stored, version: Version | undefined): object {
    const { recoverableDays = 7 } = this.options;
    const recoveryLevel = recoverableDays < 90 ? 'CustomizedRecoverable' : 'Recoverable';
    const level = { recoveryLevel: `${recoveryLevel}+Purgeable`, recoverableDays };
    return {
      contentType: version?.contentType,
      id: `${this.url}/secrets/${name}/${version?.id}`,
      attributes: { ...version?.attributes, ...level },
      tags: version?.tags,
    };
  }

  private describeDeleted(stored: Stored): object {
    const deletedDate = Math.floor((stored.deletedAt ?? 0) / 1_000);
    const { recoverableDays = 7 } = this.options;
    return {
      recoveryId: `${this.url}/deletedsecrets/${stored.name}`,
      deletedDate,
      scheduledPurgeDate: deletedDate + recoverableDays * DAY_SECONDS,
      ...this.describe(stored, stored.versions.at(-1)),
    };
  }

  private challenge(): FakeAzureAnswer {
    const { resource = 'https://vault.azure.net' } = this.options;
    const authorization = `${this.url}/00000000-0000-0000-0000-000000000001`;
    const challenge = `Bearer authorization="${authorization}", resource="${resource}"`;
    const text = 'AKV10000: Request is missing a Bearer or PoP token.';
    return { ...failure(401, 'Unauthorized', text), headers: { 'www-authenticate': challenge } };
  }

  private throttled(): FakeAzureAnswer {
    const { retryAfter } = this.options;
    const headers = retryAfter === undefined ? undefined : { 'retry-after': retryAfter };
    return { ...failure(429, 'Throttled'), headers };
  }
}

function versionIn(stored: Stored | undefined, id: string | undefined): Version | undefined {
  if (id === undefined) return stored?.versions.at(-1);
  return stored?.versions.find((version) => version.id === id);
}

function ok(body: object): FakeAzureAnswer {
  return { status: 200, body };
}

/** Returns a refusal in the form of Azure. */
export function failure(
  status: number,
  code: string,
  message = `The request failed. ${CANARY_OF_A_DENIAL}`,
  innerCode?: string,
): FakeAzureAnswer {
  const innererror = innerCode === undefined ? undefined : { code: innerCode };
  return { status, body: { error: { code, message, innererror } } };
}

/** Returns a denial, whose text quotes who was denied. */
export function forbidden(innerCode?: string): FakeAzureAnswer {
  return failure(403, 'Forbidden', `Caller is not authorized. ${CANARY_OF_A_DENIAL}`, innerCode);
}

function conflict(innerCode: string): FakeAzureAnswer {
  return failure(409, 'Conflict', 'The secret is not in a state for this.', innerCode);
}

function notFound(name: string): FakeAzureAnswer {
  const hint = 'If you recently deleted this secret you may be able to recover it.';
  const text = `A secret with (name/id) ${name} was not found in this key vault. ${hint}`;
  return failure(404, 'SecretNotFound', text);
}

function deletedNotFound(name: string): FakeAzureAnswer {
  return failure(404, 'SecretNotFound', `Deleted Secret not found: ${name}`);
}
