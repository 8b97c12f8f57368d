import type { OperationContext } from '../../core/errors/secret-manager.error';
import { runAtEndOfTurn } from '../../core/time/event-loop-turns';
import { assertIsOptions, readFlag, readList } from '../../core/validation/call-arguments';
import { parseSecretName } from '../../core/validation/secret-name';
import type { SecretPipeline } from '../../policies/compose';
import type { SecretLookup } from '../reading/secret-lookup';

export interface InvalidateOptions {
  /** Makes the other instances of the fleet drop the secret, too. By default they read it again. */
  readonly everywhere?: boolean;
}

/** The number of names that are announced without a pause. Ten thousand would block the event loop for 50 ms and more. */
const ANNOUNCED_AT_ONCE = 1_000;

/** Takes the reports of an application that secrets have changed in the store. */
export class ChangeReports {
  readonly #pipeline: SecretPipeline;
  readonly #lookup: SecretLookup;

  constructor(pipeline: SecretPipeline, lookup: SecretLookup) {
    this.#pipeline = pipeline;
    this.#lookup = lookup;
  }

  /** Drops one secret or all here. The other instances read it again, or drop it with `everywhere`. */
  invalidate(name: string | undefined, options: InvalidateOptions): void {
    const context = this.context('invalidate');
    const parsed = name === undefined ? undefined : this.#lookup.parse('invalidate', name).name;
    assertIsOptions(options, context);
    const isRevoked = readFlag(options, 'everywhere', context);
    this.#pipeline.forget(parsed, isRevoked ? 'revoked' : 'changed');
  }

  /** Expires secrets in every instance. Throws `INVALID_ARGUMENT` for a wrong name, before anything expires. */
  announce(names: readonly string[]): void {
    const context = this.context('announce');
    const list = readList(names, 'announce() takes a list of names, and not', context);
    const parsed = list.map((name) => parseSecretName(name, context));
    this.report([...new Set(parsed)]);
  }

  private report(names: readonly string[]): void {
    for (const name of names.slice(0, ANNOUNCED_AT_ONCE)) this.#pipeline.report(name, 'read', true);
    const others = names.slice(ANNOUNCED_AT_ONCE);
    if (others.length > 0) runAtEndOfTurn(() => this.report(others));
  }

  private context(operation: string): OperationContext {
    return { manager: this.#pipeline.outermost.secretManagerName, operation };
  }
}
