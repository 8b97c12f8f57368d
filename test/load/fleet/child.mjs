/** Processes of their own that end with this one: each ends when its channel to the parent closes. */
import { fork } from 'node:child_process';
import { once } from 'node:events';

const OUTPUT_CHARACTERS = 4_000;

export class Child {
  #process;
  #ended;
  #answers = new Map();
  #lastId = 0;
  #errors = '';

  /** Starts a script. A process group of its own keeps a Ctrl-C away from a frozen server, which could not end by it. */
  constructor(script, args = [], env = process.env) {
    const stdio = ['ignore', 'ignore', 'pipe', 'ipc'];
    this.#process = fork(script, args, { detached: true, stdio, env });
    this.#process.stderr.on('data', (chunk) => {
      this.#errors = (this.#errors + chunk).slice(-OUTPUT_CHARACTERS);
    });
    this.#process.on('message', ({ id, ...answer }) => this.#answered(id, answer));
    this.#ended = once(this.#process, 'exit');
    this.#process.once('exit', (code, signal) => this.#fail(script, code ?? signal));
  }

  /** Resolves to the first message, which the script sends when it is ready. */
  ready() {
    return this.#expect(undefined);
  }

  /** Resolves to the answer to a message. Rejects if the process ends before. */
  ask(message) {
    const id = ++this.#lastId;
    const answer = this.#expect(id);
    this.#process.send({ id, ...message }, () => undefined); // the end of the process rejects the answer
    return answer;
  }

  async stop() {
    if (this.#process.connected) this.#process.disconnect();
    await this.#ended;
  }

  #expect(id) {
    return new Promise((resolve, reject) => this.#answers.set(id, { resolve, reject }));
  }

  #answered(id, answer) {
    this.#answers.get(id)?.resolve(answer);
    this.#answers.delete(id);
  }

  #fail(script, reason) {
    for (const { reject } of this.#answers.values())
      reject(new Error(`${script} ended (${reason}):\n${this.#errors}`));
    this.#answers.clear();
  }
}

/** Answers the messages of the parent with the results of handlers by the name in `action`, and ends with the parent. */
export function serveParent(handlers) {
  process.on('disconnect', () => process.exit());
  process.on('message', async ({ id, action, ...content }) => {
    process.send({ id, ...(await handlers[action](content)) });
  });
}

/** The monotonic clock that all processes of a machine share, in milliseconds. */
export function sharedNow() {
  return Number(process.hrtime.bigint()) / 1e6;
}
