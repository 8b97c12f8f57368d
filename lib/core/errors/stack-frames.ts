import { read } from './safe-access';

/** A call at an absolute place. What is not one, such as `JSON.parse (<anonymous>)`, is left out. */
const FRAME =
  /^ {4}at (?:(?:async |new )?[\w$.<>#[\] ]+ \()?(?:node:|file:\/\/\/|\/|[A-Za-z]:[\\/])[^\n:]+:\d+:\d+\)?$/;
/** A first line as V8 writes it: the class, a code in brackets with Node's own errors, and the message. */
const BEFORE_MESSAGE = /^[\w$.]{1,64}(?: \[\w{1,64}\])?: /;
const BOUNDARY_FRAME = /\bBoundaryPolicy\./;

/** Puts the frames of the user's class on top of the stack, so that it tells where in the class it went wrong. */
export function putFramesOnTop(thrown: unknown, error: Error): void {
  const stack = read(thrown, 'stack');
  const message = read(thrown, 'message');
  if (typeof stack !== 'string' || typeof message !== 'string') return;
  const frames = framesAfter(message, stack);
  const own = frames.slice(
    0,
    Math.max(
      0,
      frames.findIndex((frame) => BOUNDARY_FRAME.test(frame)),
    ),
  );
  if (own.length === 0) return;
  const header = `${error.name}: ${error.message}`;
  const below = framesAfter(error.message, error.stack ?? '');
  Object.defineProperty(error, 'stack', {
    value: [header, ...own, ...below].join('\n'),
    writable: true,
    configurable: true,
  });
}

/**
 * Returns the frames that stand directly below the message. A message may hold lines that look like frames, and so may what
 * somebody appended to the stack: both may quote a secret. More frames than V8 writes were put there by somebody.
 */
function framesAfter(message: string, stack: string): string[] {
  const before = BEFORE_MESSAGE.exec(stack)?.[0];
  if (message === '' || before === undefined || !stack.startsWith(message, before.length))
    return []; // where the message ends can no more be told
  const [rest, ...lines] = stack.slice(before.length + message.length).split('\n');
  if (rest !== '') return [];
  const end = lines.findIndex((line) => !line.startsWith('    at '));
  const run = end < 0 ? lines : lines.slice(0, end);
  return run.length > Error.stackTraceLimit ? [] : run.filter((line) => FRAME.test(line));
}
