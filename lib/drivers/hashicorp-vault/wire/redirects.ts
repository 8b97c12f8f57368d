import { quoteName } from '../../../core/errors/wording';
import { isLoopback } from '../../../core/validation/loopback';
import { matchesHost } from '../../http/options/hosts';
import type { VaultAnswer } from './vault-answer';
import type { VaultRequest } from './vault-request';

export interface RedirectOptions {
  readonly redirectHosts?: readonly string[];
  readonly allowInsecureHttp?: boolean;
}

/** The target of a redirect, or the reason to refuse it. */
export type Redirect =
  { readonly origin: string; readonly path: string } | { readonly refusal: string };

const FOLLOWED_STATUSES: ReadonlySet<number> = new Set([302, 307, 308]);

/**
 * The redirects from a standby to the active node. A token goes only to the host of the server, or to a host of
 * `redirectHosts`.
 */
export class Redirects {
  readonly #origin: string;
  readonly #basePath: string;
  readonly #hosts: readonly string[];
  readonly #allowsInsecureHttp: boolean;

  constructor(
    origin: string,
    basePath: string,
    { redirectHosts = [], allowInsecureHttp = false }: RedirectOptions,
  ) {
    this.#origin = origin;
    this.#basePath = basePath;
    this.#hosts = redirectHosts;
    this.#allowsInsecureHttp = allowInsecureHttp;
  }

  /**
   * Returns `undefined` unless the answer redirects to the same path of a server.
   * @param request the request as sent, with the path of the address
   */
  resolve({ statusCode, headers }: VaultAnswer, request: VaultRequest): Redirect | undefined {
    if (!FOLLOWED_STATUSES.has(statusCode)) return undefined;
    const { location } = headers;
    if (typeof location !== 'string' || !URL.canParse(location, this.#origin)) return undefined;
    const target = new URL(location, this.#origin);
    if (!this.isSamePath(target, request)) return undefined;
    const problem = request.isLogin ? LOGIN : this.problemOf(target);
    if (problem === undefined) return { origin: target.origin, path: pathOf(target) };
    return { refusal: `${NO_ACTIVE_NODE}. It points to ${quoteName(target.host)}, ${problem}` };
  }

  /** Compares the paths. A proxy may serve the server below a path, which redirects to other nodes leave out. */
  private isSamePath(target: URL, { path }: VaultRequest): boolean {
    if (pathOf(target) === path) return true;
    return target.origin !== this.#origin && this.#basePath + pathOf(target) === path;
  }

  private problemOf(target: URL): string | undefined {
    const own = new URL(this.#origin);
    if (target.username || target.password) return WITH_CREDENTIALS;
    if (target.origin === own.origin) return undefined;
    const isListed = this.#hosts.some((host) => matchesHost(host, target));
    if (target.protocol === 'https:') {
      return isListed || target.hostname === own.hostname ? undefined : NOT_LISTED;
    }
    if (target.protocol !== 'http:' || own.protocol === 'https:') return IN_THE_CLEAR;
    if (!isListed) return NOT_LISTED;
    return this.#allowsInsecureHttp || isLoopback(target.hostname) ? undefined : IN_THE_CLEAR;
  }
}

const NO_ACTIVE_NODE =
  'the server is a standby, and names no active node that may be asked in its place';
const NOT_LISTED = 'which is not its own host: if it is yours, list it in redirectHosts';
const IN_THE_CLEAR =
  'which would get the token in the clear: set the api_addr of that node to https:';
const WITH_CREDENTIALS =
  'with credentials in the address: set the api_addr of that node without them';
const LOGIN =
  'and a login is never sent on: set address to the active node, or to a load balancer that finds it';

function pathOf({ pathname, search }: URL): string {
  return pathname + search;
}
