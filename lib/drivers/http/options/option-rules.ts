import { kindOf, quoteName } from '../../../core/errors/wording';
import { isLoopback } from '../../../core/validation/loopback';
import { flag, text, type Rule, type Rules } from '../../../core/validation/option-rules';
import { textOfFile } from '../../../files/text-file';
import { proxyProblem } from '../../../sync/proxy';

const PRINTABLE = /^[\x21-\x7e]+$/;

/** The rule of an option that is a text with at least one character. */
export const nonEmptyText: Rule = (given) =>
  typeof given === 'string'
    ? (given === '' && 'is empty') || undefined
    : `must be a string, and is ${kindOf(given)}`;

/** The rule of a text that is sent in a header. The error of the HTTP client would quote it. */
export const headerValue: Rule = (given, path) =>
  nonEmptyText(given, path) ??
  (isPrintable(given)
    ? undefined
    : 'has a space, a line break or another character that no header can hold');

/** The rule of the path of a file that this process can read. */
export const readableFile: Rule = (given, path) => {
  const problem = nonEmptyText(given, path);
  if (problem !== undefined) return problem;
  return textOfFile(given as string) === undefined
    ? `(${quoteName(given)}) cannot be read: is it a file, is it there, and may this process read it?`
    : undefined;
};

export function isPrintable(given: unknown): given is string {
  return typeof given === 'string' && PRINTABLE.test(given);
}

/** The options of the connections of every driver that speaks HTTP. */
export interface ConnectionSettings {
  /**
   * The URL of an HTTP proxy, such as `http://user:password@proxy.example:3128`. Every request uses a tunnel
   * (`CONNECT`). Default: none.
   */
  readonly proxy?: string;
  /** Hosts that bypass the proxy, separated by commas, as in the variable `NO_PROXY`. Default: none. */
  readonly noProxy?: string;
  /**
   * Starts the worker for synchronous reads together with the manager, so that the first read need not wait.
   * Default: `false`, which starts the worker at the first synchronous read.
   */
  readonly startsSyncReads?: boolean;
  /** Allows plain `http` to hosts other than loopback. Tokens and secrets travel unencrypted. Default: `false`. */
  readonly allowInsecureHttp?: boolean;
}

export const CONNECTION_RULES: Rules<keyof ConnectionSettings> = {
  proxy: proxyProblem,
  noProxy: text,
  startsSyncReads: flag,
  allowInsecureHttp: flag,
};

/**
 * Returns the rule of the URL of a server: `https`, or `http` on loopback or with `allowInsecureHttp`. The URL ends
 * with the host, or with a path if `hasPath`.
 */
export function serverUrl(
  example: string,
  {
    allowInsecureHttp = false,
    hasPath = false,
  }: { readonly allowInsecureHttp?: boolean; readonly hasPath?: boolean },
): Rule {
  return (given) => {
    if (given === '') return `is empty: give it, as "${example}"`;
    const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined;
    if (!url || !/^https?:$/.test(url.protocol)) return `must be a URL, as "${example}"`;
    if (url.username || url.password) return 'holds a user name or a password: take it off';
    if (/[?#\s]/.test(String(given)) || (!hasPath && url.pathname !== '/')) {
      return `must end with the host, as "${example}"`;
    }
    if (url.protocol === 'https:' || isLoopback(url.hostname) || allowInsecureHttp)
      return undefined;
    return 'begins with http:, which would send secrets in the clear: use https:, or set allowInsecureHttp';
  };
}
