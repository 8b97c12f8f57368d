import { must, ruleProblems, type Rule } from '../../../core/validation/option-rules';
import { pathProblem, serverProblems } from '../../hashicorp-vault/options/option-problems';
import type { VaultServerOptions } from '../../hashicorp-vault/options/vault.options';

export interface VaultTransitOptions extends VaultServerOptions {
  /** The name of the key. */
  readonly key: string;
  /** The mount of the transit engine. Default: `transit`. */
  readonly mount?: string;
  /** Text that a ciphertext is bound to, for any key (`associated_data`, sent as its base64). Default: none. */
  readonly associatedData?: string;
  /**
   * Text that derives the key, for a key with `derived=true` (`context`, sent as its base64). With another key it is
   * `MISCONFIGURED`, because the server would ignore it. Default: none.
   */
  readonly context?: string;
}

const KEY = /^\w(?:[\w.-]*\w)?$/;

const nonEmptyText = must(
  'be a text that is not empty',
  (value) => typeof value === 'string' && value !== '',
);

const unlessMissing =
  (rule: Rule): Rule =>
  (value, path) =>
    value === undefined ? undefined : rule(value, path);

const checkedByServerProblems: Rule = () => undefined;

const RULES: Readonly<Record<keyof VaultTransitOptions, Rule>> = {
  key: must(
    'be the name of a key, of letters, digits and _ - .',
    (value) => typeof value === 'string' && KEY.test(value),
  ),
  mount: unlessMissing((value, path) => [pathProblem(path, value) ?? []].flat()),
  associatedData: unlessMissing(nonEmptyText),
  context: unlessMissing(nonEmptyText),
  address: checkedByServerProblems,
  auth: checkedByServerProblems,
  namespace: checkedByServerProblems,
  tls: checkedByServerProblems,
  redirectHosts: checkedByServerProblems,
  proxy: checkedByServerProblems,
  noProxy: checkedByServerProblems,
  retryDeniedWithFreshLogin: checkedByServerProblems,
  startsSyncReads: checkedByServerProblems,
  allowInsecureHttp: checkedByServerProblems,
};

/** Returns every problem of the options as a sentence. No problem quotes a secret. */
export function optionProblems(options: Partial<VaultTransitOptions>): readonly string[] {
  return [...serverProblems(options), ...ruleProblems(options, RULES)];
}
