import { EventEmitter } from 'node:events';

type Step = 'fails' | 'hangs' | 'works';

/** A client of pg whose server works, fails or hangs. */
export class FakePostgres extends EventEmitter {
  readonly queries: string[] = [];
  isEnded = false;

  constructor(private readonly step: Step) {
    super();
  }

  async connect(): Promise<void> {
    await this.#take();
  }

  async query(text: string): Promise<void> {
    this.queries.push(text);
    await this.#take();
  }

  async end(): Promise<void> {
    this.isEnded = true;
    if (this.step === 'hangs') await new Promise(() => undefined);
    this.emit('end');
  }

  async #take(): Promise<void> {
    if (this.step === 'hangs') await new Promise(() => undefined);
    if (this.step === 'fails') {
      const message = 'password canary-4242 of "postgres://user:canary-4242@host" failed';
      throw Object.assign(new Error(message), { name: 'error', code: '28P01' });
    }
  }
}
