import { validateHeaderName, validateHeaderValue } from 'node:http';
import { attempt } from '../core/errors/safe-access';
import { SecretManagerError } from '../core/errors/secret-manager.error';
import { kindOf, quoteName } from '../core/errors/wording';
import { proxyOf, proxyProblem, type Proxy } from './proxy';

/** Certificates and a private key, as PEM. */
export interface SyncTls {
  /**
   * The certificate of the authority that signed the server's certificate. It replaces the well-known authorities.
   */
  readonly ca?: string;
  /** The client's certificate. */
  readonly cert?: string;
  /** The private key of the client's certificate. */
  readonly key?: string;
}

export interface SyncRequestOptions {
  /** The HTTP method. Default `GET`. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body?: string | Uint8Array;
  /** The deadline in milliseconds. The request then throws `TIMEOUT`, and the thread goes on. Default 30 000. */
  readonly timeoutMs?: number;
  readonly tls?: SyncTls;
  /** The URL of an HTTP proxy. Every request uses a tunnel (`CONNECT`). Default: none. */
  readonly proxy?: string;
  /** The hosts to reach without the proxy, separated by commas. Default: none. */
  readonly noProxy?: string;
}

/** A request in the form of the worker. Every part can be copied to another thread. */
export interface CheckedRequest {
  readonly origin: string;
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string | Uint8Array | undefined;
  readonly tls: SyncTls | undefined;
  readonly proxy: CheckedProxy | undefined;
}

export interface CheckedProxy extends Proxy {
  readonly noProxy: string;
}

type Check = (value: unknown) => string | undefined;

const OPTIONS: Readonly<Record<keyof SyncRequestOptions, Check>> = {
  method: (value) => (isText(value) ? undefined : `must be a string, and is ${kindOf(value)}`),
  headers: headersProblem,
  body: (value) =>
    typeof value === 'string' || value instanceof Uint8Array
      ? undefined
      : `must be a string or a Uint8Array, and is ${kindOf(value)}`,
  timeoutMs: (value) =>
    Number.isFinite(value) && Number(value) >= 0 ? undefined : 'must be a number of milliseconds',
  tls: tlsProblem,
  proxy: proxyProblem,
  noProxy: (value) => (isText(value) ? undefined : `must be a string, and is ${kindOf(value)}`),
};

const TLS_OPTIONS = ['ca', 'cert', 'key'];

/**
 * Validates a request. Throws `INVALID_ARGUMENT` without quoting the address or a value: both may hold a credential.
 */
export function checkRequest(
  url: string | URL,
  { method = 'GET', headers = {}, body, tls, ...options }: SyncRequestOptions,
): CheckedRequest {
  const { origin, pathname, search } = parseUrl(url);
  const path = pathname + search;
  return {
    origin,
    path,
    method,
    headers: definedHeaders(headers),
    body,
    tls,
    proxy: checkedProxy(options),
  };
}

function checkedProxy({ proxy, noProxy = '' }: SyncRequestOptions): CheckedProxy | undefined {
  return proxy === undefined ? undefined : { ...proxyOf(proxy), noProxy };
}

export function assertOptions(options: SyncRequestOptions): void {
  if (kindOf(options) !== 'an object') throw invalid('options', `must be an object`);
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (value === undefined) continue;
    const problem = Object.hasOwn(OPTIONS, name)
      ? OPTIONS[name as keyof SyncRequestOptions](value)
      : `is unknown: there are ${Object.keys(OPTIONS).join(', ')}`;
    if (problem !== undefined) throw invalid(`option ${quoteName(name)}`, problem);
  }
}

function parseUrl(url: string | URL): URL {
  const parsed = attempt(() => new URL(url));
  if (parsed instanceof URL && /^https?:$/.test(parsed.protocol)) return parsed;
  throw invalid('address', 'must be a URL that begins with http: or https:');
}

function headersProblem(headers: unknown): string | undefined {
  if (!isPlainObject(headers)) return 'must be a plain object of strings';
  const names = Object.keys(headers);
  const wrong = names.find((name) => !isHeaderValue(headers[name]));
  if (wrong !== undefined)
    return `must hold strings, and ${quoteName(wrong)} is ${kindOf(headers[wrong])}`;
  const unsendable = names.find((name) => !canBeSent(name, headers[name]));
  return unsendable === undefined
    ? undefined
    : `holds ${quoteName(unsendable)}, of which the name or the value has a character that no header can have`;
}

function tlsProblem(tls: unknown): string | undefined {
  if (!isPlainObject(tls)) return 'must be a plain object';
  const wrong = Object.keys(tls).find(
    (name) => !TLS_OPTIONS.includes(name) || (tls[name] !== undefined && !isText(tls[name])),
  );
  return wrong === undefined
    ? undefined
    : `may hold ${TLS_OPTIONS.join(', ')} as PEM text, and ${quoteName(wrong)} is ${kindOf(tls[wrong])}`;
}

function isHeaderValue(value: unknown): boolean {
  return value === undefined || isText(value) || (Array.isArray(value) && value.every(isText));
}

function canBeSent(name: string, value: unknown): boolean {
  const checked = attempt(() => {
    validateHeaderName(name);
    for (const text of [value ?? []].flat()) validateHeaderValue(name, text as string);
    return true;
  });
  return checked === true;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** Checks the prototype by its shape. An object of another realm, as under a test runner, has another prototype. */
function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function definedHeaders(
  headers: NonNullable<SyncRequestOptions['headers']>,
): CheckedRequest['headers'] {
  return Object.fromEntries(
    Object.entries(headers).filter(
      (entry): entry is [string, string | readonly string[]] => entry[1] !== undefined,
    ),
  );
}

function invalid(subject: string, problem: string): SecretManagerError {
  return new SecretManagerError(
    'INVALID_ARGUMENT',
    `The ${subject} of a synchronous request ${problem}.`,
  );
}
