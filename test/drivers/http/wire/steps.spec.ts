import {
  run,
  runSync,
  waitOrBlock,
  type Steps as HttpSteps,
} from '../../../../lib/drivers/http/wire/steps';

interface Request {
  readonly path: string;
}

interface Answer {
  readonly content: object;
}

type Steps<Outcome> = HttpSteps<Outcome, Request, Answer>;

const answerTo = ({ path }: Request): Answer => {
  if (path === '/down') throw new Error('no connection');
  return { content: { path } };
};

/** Runs the steps in one of the two ways. */
type Run = (steps: Steps<unknown>) => Promise<unknown>;

const WAYS: [string, Run][] = [
  ['asynchronously', (steps) => run(steps, async (request) => answerTo(request))],
  ['blocking', async (steps) => runSync(steps, answerTo)],
];

describe.each(WAYS)('steps that run %s', (way, runSteps) => {
  it('receive the answer to each request', async () => {
    function* steps(): Steps<unknown> {
      const first = yield { path: '/a' };
      const second = yield { path: '/b' };
      return [first.content, second.content];
    }

    await expect(runSteps(steps())).resolves.toEqual([{ path: '/a' }, { path: '/b' }]);
  });

  it('catch the error of a request, and send another one', async () => {
    function* steps(): Steps<unknown> {
      try {
        yield { path: '/down' };
      } catch {
        return (yield { path: '/up' }).content;
      }
      return undefined;
    }

    await expect(runSteps(steps())).resolves.toEqual({ path: '/up' });
  });

  it('fail with an error that they do not catch, after their `finally` blocks', async () => {
    const ended = jest.fn();
    function* steps(): Steps<void> {
      try {
        yield { path: '/down' };
      } finally {
        ended();
      }
    }

    await expect(runSteps(steps())).rejects.toThrow('no connection');
    expect(ended).toHaveBeenCalledTimes(1);
  });

  it('do other work in this way alone, with its outcome and its errors', async () => {
    const work = {
      wait: jest.fn(() => Promise.resolve('asynchronously')),
      block: jest.fn(() => 'blocking'),
    };
    const failing = {
      wait: () => Promise.reject(new Error('failed asynchronously')),
      block: (): never => {
        throw new Error('failed blocking');
      },
    };
    function* steps(): Steps<unknown> {
      const outcome = yield* waitOrBlock(work);
      try {
        return yield* waitOrBlock<unknown>(failing);
      } catch (error) {
        return [outcome, String(error)];
      }
    }

    await expect(runSteps(steps())).resolves.toEqual([way, `Error: failed ${way}`]);
    expect(work.wait.mock.calls.length + work.block.mock.calls.length).toBe(1);
  });
});
