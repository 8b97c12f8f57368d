import { Injectable } from '@nestjs/common';

/** The number of requests for each secret since the start, cached ones included. */
@Injectable()
export class SecretHits {
  readonly #hits = new Map<string, number>();

  add(name: string): void {
    this.#hits.set(name, this.count(name) + 1);
  }

  count(name: string): number {
    return this.#hits.get(name) ?? 0;
  }
}
