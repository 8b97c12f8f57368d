import type { CallOptions } from '../../core/calls/cancellation';
import { SharedCall, SharedCallOptions } from '../../core/calls/shared-call';
import type { OperationContext } from '../../core/errors/secret-manager.error';
import type { Deadlines } from '../../core/time/deadlines';
import { HEALTH_TIMEOUT_MS, type Pipeline } from '../policy';
import { isOpen } from './flights';

/** The health check in flight, which all callers share. */
export class SharedHealthCheck {
  readonly #inner: Pipeline;
  readonly #deadlines: Deadlines;
  #call: SharedCall<boolean> | undefined;

  constructor(inner: Pipeline, deadlines: Deadlines) {
    this.#inner = inner;
    this.#deadlines = deadlines;
  }

  wait(options: CallOptions, context: OperationContext): Promise<boolean> {
    const { timeoutMs = HEALTH_TIMEOUT_MS } = options;
    if (!isOpen(this.#call)) this.#call = this.launch(timeoutMs);
    return this.#call.wait(options, timeoutMs, context, this.#deadlines);
  }

  private launch(timeoutMs: number): SharedCall<boolean> {
    const call = new SharedCall<boolean>({ timeoutMs });
    const end = (): void => {
      if (this.#call === call) this.#call = undefined;
      call.end();
    };
    call.share(this.#inner.checkHealth(new SharedCallOptions(call, undefined)).finally(end));
    return call;
  }
}
