import { read } from './untrusted';

const FRAME =
  /^ {4}at (?:(?:async |new )?[\w$.<>#[\] ]+ \()?(?:node:|file:\/\/|[A-Z]:)?[^\n:]+:\d+:\d+\)?$/;
const BOUNDARY_FRAME = /\bBoundaryPolicy\./;

/** So that the stack tells where in the user's class it went wrong, and not only on which way it was called. */
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
  const header = `${error.name}: ${error.message}`;
  const below = framesAfter(error.message, error.stack ?? '');
  Object.defineProperty(error, 'stack', {
    value: [header, ...own, ...below].join('\n'),
    writable: true,
    configurable: true,
  });
}

/** The lines that are frames beyond doubt; a message may hold lines that look like some. */
function framesAfter(message: string, stack: string): string[] {
  const start = stack.indexOf(message);
  const isChanged = message === '' || start < 0 || stack.slice(0, start).includes('\n');
  if (isChanged) return []; // where the message ends can no more be told
  return stack
    .slice(start + message.length)
    .split('\n')
    .filter((line) => FRAME.test(line));
}
