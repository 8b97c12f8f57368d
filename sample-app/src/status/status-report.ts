import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult } from '@nestjs/terminus';
import { SecretsService, type SecretInspection } from 'nestjs-custom-secret-manager';
import { SecretManagerHealthIndicator } from 'nestjs-custom-secret-manager/terminus';
import { ModelList } from '../config/model-list';
import { KEY_RECORDS } from '../keys/key-records';
import { VIRTUAL_KEYS } from '../keys/stored-keys';
import { SecretHits } from './secret-hits';

export interface SecretStatus {
  readonly name: string;
  /** `unknown`: the store has told nothing of it that still counts. */
  readonly state: SecretInspection['state'] | 'unknown';
  readonly ageMs?: number;
  readonly version?: string;
  /** How often the gateway has asked for it. */
  readonly hits: number;
}

export interface Status {
  /** As the health check reports each. */
  readonly managers: readonly HealthIndicatorResult[string][];
  readonly secrets: readonly SecretStatus[];
  /** The records of the gateway's keys: how many are at hand, and how often one was asked for. */
  readonly keys: { readonly cached: number; readonly hits: number };
}

/** What may be told of the secret layer to everybody: names, never a value. */
@Injectable()
export class StatusReport {
  constructor(
    private readonly secrets: SecretsService,
    private readonly health: SecretManagerHealthIndicator,
    private readonly models: ModelList,
    private readonly hits: SecretHits,
  ) {}

  /** Resolves to the state of this moment, also while the store is down. */
  async make(): Promise<Status> {
    const { store } = await this.health.isHealthy('store', { timeoutMs: 2_000 });
    const cached = this.secrets.inspect();
    return {
      managers: store === undefined ? [] : [store],
      secrets: this.secretsOf(cached),
      keys: { cached: cached.filter(isKeyRecord).length, hits: this.hits.of(KEY_RECORDS) },
    };
  }

  /** Also what should be there and is not: a secret that the store denies is dropped from the cache. */
  private secretsOf(cached: readonly SecretInspection[]): SecretStatus[] {
    const needed = ['MASTER_KEY', ...this.models.secretNames];
    const states = new Map<string, Omit<SecretStatus, 'hits'>>();
    for (const { name } of needed.map((each) => this.secrets.secret(each)))
      states.set(name, { name, state: 'unknown' });
    for (const { name, state, ageMs, version } of cached.filter((each) => !isOfKeys(each)))
      states.set(name, { name, state, ageMs, version });
    return [...states.values()]
      .map((each) => ({ ...each, hits: this.hits.of(each.name) }))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  }
}

/** These are counted and not named: their names are digests of keys, and the aliases of those who have them. */
function isOfKeys({ name }: SecretInspection): boolean {
  return name.startsWith(KEY_RECORDS) || name.startsWith(VIRTUAL_KEYS);
}

function isKeyRecord({ name, state }: SecretInspection): boolean {
  return name.startsWith(KEY_RECORDS) && state !== 'absent';
}
