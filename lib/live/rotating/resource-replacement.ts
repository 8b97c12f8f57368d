import { Cancellation, closed, shuttingDown } from '../../core/calls/cancellation';
import { RejectedValue, isRejection } from '../../core/calls/rejected-value';
import { settledWithin } from '../../core/calls/waiting';
import type { Rotating } from '../../core/contract/rotating';
import { errorName } from '../../core/errors/error-table';
import {
  isSecretManagerError,
  type OperationContext,
} from '../../core/errors/secret-manager.error';
import { backoffMs } from '../../core/time/backoff';
import { BackgroundTimer } from '../../core/time/background-timer';
import type { Generation } from './generation';
import type { ResourceSecrets } from './resource-secrets';
import type { Values } from './sources';
import type { ResourceBuilder } from './resource-builder';

const RETRY_PAUSES = { firstMs: 1_000, longestMs: 300_000 };
/** The longest wait of a shutdown. Kubernetes gives 30 s to the whole application. */
const LONGEST_SHUTDOWN_MS = 10_000;

export interface RotationOptions {
  readonly drainMs: number;
  readonly buildTimeoutMs: number;
  readonly isRejected: (error: unknown) => boolean;
  readonly title: string;
  readonly context: OperationContext;
  readonly warn: (message: string) => void;
}

/** Builds the first resource. Rejects with its failure. */
export async function startRotation<Resource>(
  builder: ResourceBuilder<Resource>,
  secrets: ResourceSecrets,
  options: RotationOptions,
): Promise<Rotation<Resource>> {
  let rotate = (): void => undefined;
  try {
    secrets.listen(() => rotate());
    const first = await builder.build(await secrets.read());
    const rotation = new Rotation(builder, secrets, options, first);
    rotate = () => rotation.rotate();
    if (secrets.hasChanged) rotate();
    return rotation;
  } catch (error) {
    secrets.stop();
    throw error;
  }
}

/**
 * Replaces a resource when one of its secrets has changed: read, build, probe, swap, drain, dispose. One rotation
 * runs at a time, and at most two resources are alive.
 */
export class Rotation<Resource> implements Rotating<Resource> {
  readonly #builder: ResourceBuilder<Resource>;
  readonly #secrets: ResourceSecrets;
  readonly #options: RotationOptions;
  readonly #rejected: RejectedValue<Generation<Resource>>;
  #current: Generation<Resource>;
  #generation = 1;
  /** The failed attempts in a row. */
  #failures = 0;
  /** `true` if a secret has changed, or an attempt has failed, since the last attempt began. */
  #isDue = false;
  #isRotating = false;
  /** The resource that was replaced last. */
  #previous: Generation<Resource> | undefined;
  /** Called when the running attempt ends. */
  #onAttempted: (() => void)[] = [];
  readonly #retryTimer = new BackgroundTimer();
  /** Ends the wait for a build at the shutdown. */
  readonly #closing = new Cancellation();
  #isClosed = false;

  constructor(
    builder: ResourceBuilder<Resource>,
    secrets: ResourceSecrets,
    options: RotationOptions,
    first: Generation<Resource>,
  ) {
    this.#builder = builder;
    this.#secrets = secrets;
    this.#options = options;
    this.#current = first;
    this.#rejected = new RejectedValue(
      () => this.#current,
      () => this.readAgain(),
    );
  }

  get current(): Resource {
    return this.#current.resource;
  }

  get generation(): number {
    return this.#generation;
  }

  get state(): 'ready' | 'degraded' {
    return this.#failures === 0 ? 'ready' : 'degraded';
  }

  async use<Result>(work: (resource: Resource) => Result | Promise<Result>): Promise<Result> {
    if (this.#isClosed) throw closed(this.#options.context);
    const generation = this.#current;
    try {
      return await generation.use(work);
    } catch (error) {
      if (this.#isClosed || !isRejection(this.#options.isRejected, error)) throw error;
      await this.attempted(); // the secret may have changed already
      const next = await this.#rejected.successorOf(generation);
      if (next === undefined || this.#isClosed) throw error;
      return await this.#current.use(work); // the next one may have been replaced, too
    }
  }

  /** Starts a rotation, or another one after the running one. */
  rotate(): void {
    this.#isDue = true;
    if (!this.#isRotating) void this.rotateWhileDue();
  }

  /** Waits for the work in flight, and disposes of the resources. Called by Nest. */
  async onApplicationShutdown(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#secrets.stop();
    this.#retryTimer.stop();
    this.#closing.cancel(shuttingDown(this.#options.context));
    this.reportAttempt();
    const waitMs = Math.min(this.#options.drainMs, LONGEST_SHUTDOWN_MS);
    await Promise.all([this.#previous?.retire(waitMs), this.#current.retire(waitMs)]);
  }

  private async rotateWhileDue(): Promise<void> {
    this.#isRotating = true;
    this.#retryTimer.stop();
    while (this.#isDue && !this.#isClosed) {
      await this.#previous?.retire(this.#options.drainMs);
      await this.attempt();
      this.reportAttempt();
    }
    this.#isRotating = false;
    if (this.#failures > 0 && !this.#isClosed) this.retryLater();
  }

  private async attempt(): Promise<void> {
    try {
      this.#isDue = false;
      const values = await this.#secrets.read({ maxAgeMs: 0 });
      this.#isDue = this.#secrets.hasChanged;
      if (!isSame(values, this.#current.values)) {
        this.swap(await this.#builder.build(values, this.#closing));
      }
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      if (this.#failures === 1 && !this.#isClosed) this.warnAbout(error);
    }
  }

  private swap(next: Generation<Resource>): void {
    if (this.#isClosed) return void next.retire(0);
    this.#previous = this.#current;
    this.#current = next;
    this.#generation += 1;
    void this.#previous.retire(this.#options.drainMs);
  }

  private retryLater(): void {
    this.#retryTimer.set(() => this.rotate(), backoffMs(this.#failures, RETRY_PAUSES));
  }

  /** Reads the secrets again, and resolves to the resource after the rotation that follows. */
  private async readAgain(): Promise<Generation<Resource>> {
    await this.#secrets.refresh();
    await this.attempted();
    return this.#current;
  }

  /** Waits for the running attempt, if there is one. */
  private async attempted(): Promise<void> {
    if (!this.#isRotating || this.#isClosed) return;
    const attempted = new Promise<void>((resolve) => this.#onAttempted.push(resolve));
    await settledWithin(this.#options.buildTimeoutMs, attempted);
  }

  private reportAttempt(): void {
    for (const onAttempted of this.#onAttempted.splice(0)) onAttempted();
  }

  private warnAbout(error: unknown): void {
    const { title, warn } = this.#options;
    const reason = isSecretManagerError(error) ? error.message : (errorName(error) ?? 'an error');
    warn(
      `${title}: the resource for the changed secrets could not be built, the one before serves on. ${reason}`,
    );
  }
}

function isSame(one: Values, other: Values): boolean {
  return one.size === other.size && [...one].every(([id, value]) => other.get(id) === value);
}
