import { type ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { tooManyBodies } from './body-errors';

const MAX_BYTES = 256 * 1024 * 1024;

/** The memory for the bodies of all requests in flight. Counts the bytes that have arrived, not the announced ones. */
@Injectable()
export class BodyBudget {
  #taken = 0;

  /** Returns a function that reserves bytes until the response is closed. The function throws a 503 if none are left. */
  reserveFor(response: ServerResponse): (bytes: number) => void {
    let reserved = 0;
    response.once('close', () => {
      this.#taken -= reserved;
      reserved = 0;
    });
    return (bytes) => {
      if (response.closed) return;
      if (this.#taken + bytes > MAX_BYTES) throw tooManyBodies();
      this.#taken += bytes;
      reserved += bytes;
    };
  }
}
