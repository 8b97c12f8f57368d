import { SecretManagerError } from '../core/errors/secret-manager.error';
import { kindOf } from '../core/errors/wording';
import {
  flag,
  isRecord,
  numberOrKind,
  optional,
  ruleProblems,
} from '../core/validation/option-rules';

/** The options of a cut. */
export interface CutOptions {
  /** Cuts as a frozen broker does: no `disconnected()`, and publishing waits instead of failing. Default `false`. */
  readonly silent?: boolean;
}

const CUT_RULES = optional({ silent: flag });

/** Throws `INVALID_ARGUMENT` for options that `cut()` does not have. A test would break the bus in another way. */
export function assertCut(options: CutOptions): void {
  if (!isRecord(options)) throw wrong(`cut() takes { silent }, and not ${kindOf(options)}.`);
  const [problem] = ruleProblems(options, CUT_RULES);
  if (problem !== undefined) throw wrong(`The options of cut() are wrong: ${problem}.`);
}

/** Throws `INVALID_ARGUMENT` unless the value is a number of 0 or more. */
export function assertNumber(method: string, value: number): void {
  if (value >= 0 && typeof value === 'number') return;
  throw wrong(`${method} takes a number of 0 or more, and not ${numberOrKind(value)}.`);
}

function wrong(message: string): SecretManagerError {
  return new SecretManagerError('INVALID_ARGUMENT', message);
}
