import { translateError } from '../../../lib/core/errors/error-table';
import { leaks } from '../../support/failure-of';

const context = { manager: 'team', operation: 'readSecret', secretName: 'KEY' };
const CANARY = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a';
const LINE = `    at ${CANARY} (/app/${CANARY}.js:1:1)`;
const BOUNDARY = '    at BoundaryPolicy.call (/app/boundary.policy.js:1:1)';

/** A stand-in for the layer that calls a user's class. Its name marks the end of the user's frames. */
class BoundaryPolicy {
  call(run: () => never): string {
    try {
      return run();
    } catch (thrown) {
      return String(translateError(thrown, context).stack);
    }
  }

  async callAsync(run: () => Promise<never>): Promise<string> {
    try {
      return await run();
    } catch (thrown) {
      return String(translateError(thrown, context).stack);
    }
  }
}

class TeamSecretManager {
  constructor(private readonly change: (error: Error) => unknown) {}

  readSecret(message: string, type: ErrorConstructor = Error): never {
    const error = new type(message);
    this.change(error);
    throw error;
  }
}

function stackOf(message: string, change: (error: Error) => unknown = () => undefined): string {
  return new BoundaryPolicy().call(() => new TeamSecretManager(change).readSecret(message));
}

describe('the stack of a translated error', () => {
  it.each([
    ['one line', 'store said no'],
    ['several lines', 'store said no\n  because\nof that'],
    ['a line that looks like a frame', `store said no\n${LINE}`],
    ['nothing but such lines', `${LINE}\n${LINE}`],
    ['a colon and the name of a class', `Error: ${CANARY}`],
  ])('begins with the frames of the user if the message has %s', (_, message) => {
    const stack = stackOf(message);

    expect(stack).toMatch(
      /^SecretManagerError: team\.readSecret\(\)[^\n]*\n {4}at TeamSecretManager/,
    );
    expect(leaks(stack, CANARY)).toBe(false);
  });

  it.each<[string, (error: Error) => unknown]>([
    [
      'the stack of a cause was appended',
      (error) => void (error.stack += `\nCaused by: Error: x\n${LINE}\n${BOUNDARY}`),
    ],
    ['frames were appended', (error) => void (error.stack += `\n${LINE}\n${BOUNDARY}`)],
    [
      'another stack was put before',
      (error) => void (error.stack = `Error: x\n${LINE}\n${String(error.stack)}`),
    ],
    [
      'the frames of another process were put first',
      (error) =>
        void (error.stack = String(error.stack).replace(
          '\n',
          `\n${`${LINE}\n`.repeat(Error.stackTraceLimit)}`,
        )),
    ],
    ['the name has a line', (error) => void (error.stack = `x\n${LINE}\nError: x\n${BOUNDARY}`)],
    ['the stack is no text', (error) => Object.assign(error, { stack: { CANARY } })],
    ['the stack is empty', (error) => Object.assign(error, { stack: '' })],
    [
      'a frame is at an address',
      (error) =>
        void (error.stack = `Error: x\n    at read (https://u:${CANARY}@h.test/a.js:1:1)\n${BOUNDARY}`),
    ],
    [
      'a frame is at no place',
      (error) => void (error.stack = `Error: x\n    at read (${CANARY}:1:1)\n${BOUNDARY}`),
    ],
  ])('holds no foreign line if %s', (_, change) => {
    expect(leaks(stackOf('x', change), CANARY)).toBe(false);
  });

  it.each<[string, (error: Error) => unknown]>([
    ['emptied', (error) => void (error.message = '')],
    ['replaced', (error) => void (error.message = 'withheld')],
    ['replaced by the name of the class', (error) => void (error.message = 'Error')],
    ['prefixed', (error) => void (error.message = `team: ${error.message}`)],
    ['replaced by a part', (error) => void (error.message = 'o')],
  ])('holds no line of a message that was %s later', (_, change) => {
    expect(leaks(stackOf(`store said no\n${LINE}\n${BOUNDARY}`, change), CANARY)).toBe(false);
  });

  it('holds no line of a class name', () => {
    const name = `boom\n${LINE}\n${BOUNDARY}\nx`;
    class Named extends Error {}
    Object.defineProperty(Named.prototype, 'name', { value: name });

    const stack = new BoundaryPolicy().call(() => {
      throw new Named('boom');
    });

    expect(leaks(stack, CANARY)).toBe(false);
  });

  it('keeps the frames below a built-in function without a location', () => {
    const stack = new BoundaryPolicy().call(() => JSON.parse('{') as never);

    expect(stack).toContain('stack-frames.spec');
    expect(stack).not.toContain('<anonymous>)\n    at <');
  });

  it('keeps the frames of an asynchronous call', async () => {
    class AsyncManager {
      async readSecret(): Promise<never> {
        await Promise.resolve();
        throw new Error(`no\n${LINE}`);
      }
    }
    const boundary = new BoundaryPolicy();

    const stack = await boundary.callAsync(() => new AsyncManager().readSecret());

    expect(stack).toMatch(/\n {4}at AsyncManager\.readSecret/);
    expect(leaks(stack, CANARY)).toBe(false);
  });

  it('has no frames if Node writes none', () => {
    const { stackTraceLimit } = Error;
    try {
      Error.stackTraceLimit = 0;
      const stack = stackOf(`no\n${LINE}\n${BOUNDARY}`);

      expect(stack).toMatch(/^SecretManagerError: [^\n]*$/);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  });
});
