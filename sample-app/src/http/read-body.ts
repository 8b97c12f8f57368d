import { type IncomingMessage } from 'node:http';
import { HttpStatus } from '@nestjs/common';
import { refusedBody } from './body-errors';

interface BodyBounds {
  readonly limitBytes: number;
  /** The time that the whole body may take to arrive. */
  readonly timeoutMs: number;
  /** Called with the size of each chunk. May throw. */
  readonly take: (bytes: number) => void;
}

/**
 * Resolves to the body of a request. Rejects with 413 if it is too large, and with 408 if it takes too long. The
 * connection then stays open, so that the caller gets an answer.
 */
export function readBody(
  request: IncomingMessage,
  { limitBytes, timeoutMs, take }: BodyBounds,
): Promise<Buffer> {
  const { 'content-length': announced = 0 } = request.headers;
  if (Number(announced) > limitBytes)
    return Promise.reject(refusedBody(HttpStatus.PAYLOAD_TOO_LARGE));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;

    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limitBytes) return fail(refusedBody(HttpStatus.PAYLOAD_TOO_LARGE));
      try {
        take(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        fail(error as Error); // thrown by `take`
      }
    };
    const onEnd = (): void => {
      stop();
      resolve(Buffer.concat(chunks, size));
    };
    const onClose = (): void => fail(refusedBody(HttpStatus.BAD_REQUEST)); // the caller has left
    const fail = (error: Error): void => {
      stop();
      request.pause();
      reject(error);
    };
    const timer = setTimeout(() => fail(refusedBody(HttpStatus.REQUEST_TIMEOUT)), timeoutMs);
    const stop = (): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose);
    };

    request.on('data', onData).on('end', onEnd).on('close', onClose).once('error', onClose);
  });
}
