import { Injectable } from '@nestjs/common';

/** How often the gateway has asked for a secret since it started, whether the store was asked for it or not. */
@Injectable()
export class SecretHits {
  readonly #hits = new Map<string, number>();

  add(name: string): void {
    this.#hits.set(name, this.of(name) + 1);
  }

  of(name: string): number {
    return this.#hits.get(name) ?? 0;
  }
}
