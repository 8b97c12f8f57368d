import {
  SecretManagerError,
  type OperationContext,
} from '../../../core/errors/secret-manager.error';
import { listed } from '../../../core/validation/option-rules';

/** The options of a manager, checked until they are right: a missing file may exist later. */
export class UsableOptions {
  readonly #className: string;
  readonly #problemsOf: () => readonly string[];
  #problems: readonly string[];

  /** @param problemsOf returns every problem as a sentence, without a secret */
  constructor(className: string, problemsOf: () => readonly string[]) {
    this.#className = className;
    this.#problemsOf = problemsOf;
    this.#problems = problemsOf();
  }

  /** `true` if the manager has never been usable, so that it has sent no request. */
  get areWrong(): boolean {
    return this.#problems.length > 0;
  }

  /** Throws `MISCONFIGURED` with every problem. */
  assert(context: OperationContext): void {
    if (this.areWrong) this.#problems = this.#problemsOf();
    if (!this.areWrong) return;
    throw new SecretManagerError(
      'MISCONFIGURED',
      `The options of ${this.#className} are not right:\n${listed(this.#problems)}`,
      context,
    );
  }
}
