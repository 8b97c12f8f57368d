import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { EventEmitter, on } from 'node:events';

/** A store that sends an event for each change. */
export class EventedSecretManager extends InMemorySecretManager {
  readonly events = new EventEmitter();

  override async watchSecrets(
    onChange: (secretNames: readonly string[], options?: { announce?: boolean }) => void,
    { signal }: { signal: AbortSignal },
  ): Promise<void> {
    for await (const [name] of on(this.events, 'changed', { signal })) {
      onChange([name as string], { announce: true });
    }
  }
}
