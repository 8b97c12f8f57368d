import { startTimer } from './clock';

/** One timer of background work at a time. It does not keep the process alive. */
export class BackgroundTimer {
  #stop = (): void => undefined;

  /** Calls back once after `delayMs`, in place of the timer before. */
  set(callback: () => void, delayMs: number): void {
    this.#stop();
    this.#stop = startTimer(callback, delayMs, { keepsAlive: false });
  }

  stop(): void {
    this.#stop();
  }
}
