import { must, type Rule } from '../../../core/validation/option-rules';

/** Returns the URL of `host` or `host:port`, or `undefined` if it is neither. */
export function parseHost(host: unknown): URL | undefined {
  if (typeof host !== 'string' || /[^\p{L}\p{N}._:[\]-]/u.test(host)) return undefined;
  return URL.canParse(`ws://${host}`) ? new URL(`ws://${host}`) : undefined;
}

/** Returns whether a listed `host` or `host:port` is the one of a URL. Without a port every port matches. */
export function matchesHost(host: string, target: URL): boolean {
  const listed = parseHost(host);
  if (listed?.hostname !== target.hostname) return false;
  const port = /:(\d+)$/.exec(host)?.[1];
  return port === undefined || Number(port) === portOf(target);
}

function portOf({ port, protocol }: URL): number {
  return port === '' ? ({ 'https:': 443, 'http:': 80 }[protocol] ?? 0) : Number(port);
}

/** Returns the rule of a list of `host` or `host:port`. */
export function hostList(example: string): Rule {
  const hold = (given: unknown): string | undefined =>
    Array.isArray(given) && given.every((host) => parseHost(host) !== undefined)
      ? undefined
      : `must hold host names, as "${example}" or "${example}:8200"`;
  return (given) => must('be an array', Array.isArray)(given) ?? hold(given);
}
