import type { Secret, SecretsService } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { inspect } from 'node:util';
import { startWith, type CapturedLog } from '../../support/application';

/** The value that must be in no text. */
export const CANARY = 'tell-nobody-this-value';

export interface Live {
  readonly store: InMemorySecretManager;
  readonly secrets: SecretsService;
  readonly log: CapturedLog;
  readonly secret: (name: string) => Secret;
  /** Changes a secret in the store, and has the application read it. */
  readonly rotate: (name: string, value: string | object) => Promise<void>;
}

/** Starts an application with these secrets loaded. An object is stored as JSON. */
export async function startLive(values: Readonly<Record<string, string | object>>): Promise<Live> {
  const texts = Object.entries(values).map(([name, value]) => [name, textOf(value)] as const);
  const store = new InMemorySecretManager(Object.fromEntries(texts));
  const preload = Object.keys(values);
  const { secrets, log } = await startWith(store, { preload });
  return {
    store,
    secrets,
    log,
    secret: (name) => secrets.secret(name),
    rotate: async (name, value) => {
      store.rotate(name, textOf(value));
      await secrets.refresh(name);
    },
  };
}

function textOf(value: string | object): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Returns all that an inspection shows of a value. */
export function shown(value: unknown): string {
  return inspect(value, { depth: 9, showHidden: true, getters: false }) + JSON.stringify(value);
}
