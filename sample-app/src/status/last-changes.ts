import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { SecretsService } from 'nestjs-custom-secret-manager';
import { ModelList } from '../config/model-list';

/** The secrets of the gateway, and the time at which each of them last changed. */
@Injectable()
export class LastChanges implements OnApplicationBootstrap {
  readonly names: readonly string[];
  readonly #changedAt = new Map<string, Date>();

  constructor(
    private readonly secrets: SecretsService,
    models: ModelList,
  ) {
    this.names = ['MASTER_KEY', ...models.secretNames].map((name) => secrets.secret(name).name);
  }

  /** Listens from the start of the gateway to its end. A secret that is listened to stays fresh without traffic. */
  onApplicationBootstrap(): void {
    for (const name of new Set(this.names)) {
      this.secrets.secret(name).onChange(({ at }) => void this.#changedAt.set(name, at));
    }
  }

  of(name: string): Date | undefined {
    return this.#changedAt.get(name);
  }
}
