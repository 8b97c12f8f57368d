import { variablesOf } from '../../../core/validation/given-options';
import type { ConnectionSettings } from './option-rules';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns the proxy of an address, from `HTTPS_PROXY` or `HTTP_PROXY` in either case, with `NO_PROXY`. An empty
 * variable counts as unset.
 *
 * @param address begins with `http:` for the variables of plain http; default: https
 */
export function proxyFromEnvironment(
  environment: Environment,
  address = 'https://',
): Pick<ConnectionSettings, 'proxy' | 'noProxy'> {
  const first = variablesOf(environment);
  const names = /^http:/i.test(address)
    ? ['http_proxy', 'HTTP_PROXY']
    : ['https_proxy', 'HTTPS_PROXY'];
  const proxy = first(...names);
  return proxy === undefined
    ? {}
    : { proxy: withScheme(proxy), noProxy: first('no_proxy', 'NO_PROXY') };
}

/** Adds `http://` to a proxy without a scheme, such as `proxy.example:3128`. Other tools accept that, too. */
export function withScheme(proxy: string): string {
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}
