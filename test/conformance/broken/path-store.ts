import type { ConformanceHarness } from 'nestjs-custom-secret-manager/testing';

type Fault = Parameters<NonNullable<ConformanceHarness['fail']>>[0];

export interface StoreRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE' | 'RESTORE' | 'HEALTH';
  readonly path: string;
  readonly token: string;
  /** The fields to change, as JSON. The store keeps the others. */
  readonly body?: string;
  /** Makes the write fail with 409 if the secret exists. */
  readonly createOnly?: boolean;
  /** The days for which a deleted secret can be restored. */
  readonly days?: number;
}

export interface StoreResponse {
  readonly status: number;
  readonly body: string;
}

export interface Kept {
  readonly value: string;
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly version: number;
  readonly deletionAt?: string;
}

const DAY_MS = 86_400_000;

const STATUS: Readonly<Record<string, number>> = {
  unavailable: 503,
  denied: 403,
  unauthenticated: 401,
  throttled: 429,
};

/**
 * A store with paths, as over HTTP. It cleans and decodes them once, and has no concept of names. Its refusals quote
 * the request, with token and body, like those of chatty servers and clients.
 */
export class PathStore {
  /** The contents by decoded path, as a file would hold them. */
  contents: ReadonlyMap<string, Kept> = new Map();
  readonly #spoilt = new Set<string>();
  fault: Fault;

  put(path: string, value: string): void {
    this.keep(path, { value, version: 1 });
  }

  spoil(path: string): void {
    this.#spoilt.add(path);
  }

  async request(request: StoreRequest, signal?: AbortSignal): Promise<StoreResponse> {
    if (this.fault === 'hanging') await abortOf(signal);
    await new Promise(setImmediate);
    signal?.throwIfAborted();
    return this.requestSync(request);
  }

  requestSync(request: StoreRequest): StoreResponse {
    const path = cleaned(request.path);
    const status = this.#spoilt.has(path) ? 403 : STATUS[this.fault ?? ''];
    if (status !== undefined) return { status, body: `refused: ${JSON.stringify(request)}` };
    const kept = this.contents.get(path);
    if (this.fault === 'malformed') return { status: 200, body: kept?.value ?? 'nonsense' };
    return this.answer(request, path, kept);
  }

  private answer(request: StoreRequest, path: string, kept: Kept | undefined): StoreResponse {
    const { method, body = '{}', createOnly = false, days = 0 } = request;
    if (method === 'HEALTH') return { status: 200, body: '{}' };
    if (method === 'PUT') {
      if (kept?.deletionAt) return { status: 409, body: '{"reason":"pending deletion"}' };
      if (kept && createOnly) return { status: 409, body: `{"reason":"exists","body":${body}}` };
      const changes = JSON.parse(body) as Pick<Kept, 'value'>;
      return this.keep(path, { ...kept, ...changes, version: (kept?.version ?? 0) + 1 });
    }
    if (kept === undefined) return { status: 404, body: '{}' };
    if (method === 'RESTORE') return this.keep(path, { ...kept, deletionAt: undefined });
    if (method === 'GET')
      return { status: kept.deletionAt ? 404 : 200, body: JSON.stringify(kept) };
    if (days > 0) return this.keep(path, { ...kept, deletionAt: inDays(days) });
    this.contents = new Map([...this.contents].filter(([other]) => other !== path));
    return { status: 200, body: '{}' };
  }

  private keep(path: string, kept: Kept): StoreResponse {
    this.contents = new Map([...this.contents, [path, kept]]);
    return { status: 200, body: JSON.stringify(kept) };
  }
}

function cleaned(path: string): string {
  return decodeURIComponent(new URL(`http://store.test${path}`).pathname);
}

function inDays(days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString();
}

function abortOf(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = (): void => reject(signal?.reason as Error);
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
