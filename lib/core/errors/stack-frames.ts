import { read } from './safe-access';

/** A call at an absolute path. Other lines, such as `JSON.parse (<anonymous>)`, are left out. */
const FRAME =
  /^ {4}at (?:(?:async |new )?[\w$.<>#[\] ]+ \()?(?:node:|file:\/\/\/|\/|[A-Za-z]:[\\/])[^\n:]+:\d+:\d+\)?$/;
/** The start of V8's first line: the class, and a code in brackets for Node's own errors. */
const BEFORE_MESSAGE = /^[\w$.]{1,64}(?: \[\w{1,64}\])?: /;
const BOUNDARY_FRAME = /\bBoundaryPolicy\./;

/** Puts the frames of the user's class on top of the stack, to show the failing line of the class. */
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
 * Returns the frames directly below the message. The message may hold lines that look like frames, and so may
 * text that was appended to the stack. Both may quote a secret. More frames than V8 writes were not written by
 * V8.
 */
function framesAfter(message: string, stack: string): string[] {
  const before = BEFORE_MESSAGE.exec(stack)?.[0];
  if (message === '' || before === undefined || !stack.startsWith(message, before.length))
    return []; // the end of the message is unknown
  const [rest, ...lines] = stack.slice(before.length + message.length).split('\n');
  if (rest !== '') return [];
  const end = lines.findIndex((line) => !line.startsWith('    at '));
  const run = end < 0 ? lines : lines.slice(0, end);
  return run.length > Error.stackTraceLimit ? [] : run.filter((line) => FRAME.test(line));
}
