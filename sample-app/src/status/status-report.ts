import { Injectable } from '@nestjs/common';
import { SecretsService, type SecretInspection } from 'nestjs-custom-secret-manager';
import { SharedAnswer } from '../http/shared-answer';
import { KEY_RECORDS } from '../keys/key-records';
import { LastChanges } from './last-changes';
import { SecretHits } from './secret-hits';
import { StoreHealth } from './store-health';
import { checkInWords, readsInWords, type Findings } from './words';

export interface SecretStatus {
  readonly name: string;
  /** The state in the cache. `unknown`: the cache holds nothing valid about it. */
  readonly state: SecretInspection['state'] | 'unknown';
  readonly ageMs?: number;
  readonly version?: string;
  /** The time of the last change since the start of the gateway (ISO 8601). */
  readonly changedAt?: string;
  /** The number of requests for it. */
  readonly hits: number;
}

/** The report of the health check, with explanations. */
export interface ManagerStatus extends Findings {
  readonly manager: string;
  readonly check: string;
  readonly reads: string;
}

export interface Status {
  readonly managers: readonly ManagerStatus[];
  readonly secrets: readonly SecretStatus[];
  /** The records of the gateway's keys: the number in the cache, and the number of requests for them. */
  readonly keys: { readonly cached: number; readonly hits: number };
  /** The connection of this instance to the others. */
  readonly fleet: SecretsService['fleet'];
}

/** The public status of the secret layer: names, and never a value. */
@Injectable()
export class StatusReport {
  readonly #shared = new SharedAnswer(() => this.make(), { lastsMs: 1_000 });

  constructor(
    private readonly secrets: SecretsService,
    private readonly health: StoreHealth,
    private readonly changes: LastChanges,
    private readonly hits: SecretHits,
  ) {}

  /** Resolves to the status of the last second, even while the store is down. All callers share it. */
  get(): Promise<Status> {
    return this.#shared.get();
  }

  private async make(): Promise<Status> {
    const managers = await this.managers();
    const cached = this.secrets.inspect();
    return {
      managers,
      secrets: this.secretsOf(cached),
      keys: { cached: cached.filter(isPresentRecord).length, hits: this.hits.count(KEY_RECORDS) },
      fleet: this.secrets.fleet,
    };
  }

  private async managers(): Promise<ManagerStatus[]> {
    const store = await this.health.get();
    if (store === undefined) return [];
    const {
      managerName: manager,
      circuitState: circuit,
      circuitRetryAfterMs: retryAfterMs,
    } = this.secrets;
    const found: Findings = { ...store, circuit, retryAfterMs };
    return [{ ...found, manager, check: checkInWords(found), reads: readsInWords(found) }];
  }

  /** Lists cached and needed secrets. A needed one may be missing in the cache, because a denial drops it. */
  private secretsOf(cached: readonly SecretInspection[]): SecretStatus[] {
    const states = new Map<string, Omit<SecretStatus, 'hits' | 'changedAt'>>();
    for (const name of this.changes.names) states.set(name, { name, state: 'unknown' });
    for (const { name, state, ageMs, version } of cached.filter((each) => !isRecord(each)))
      states.set(name, { name, state, ageMs, version });
    return [...states.values()]
      .map((each) => ({
        ...each,
        changedAt: this.changes.of(each.name)?.toISOString(),
        hits: this.hits.count(each.name),
      }))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  }
}

/** Tells whether a secret is a record of a key. Records are only counted, because their names are digests of keys. */
function isRecord({ name }: SecretInspection): boolean {
  return name.startsWith(KEY_RECORDS);
}

function isPresentRecord(inspected: SecretInspection): boolean {
  return isRecord(inspected) && inspected.state !== 'absent';
}
