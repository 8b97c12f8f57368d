import {
  ATTEMPTS,
  CANCELLATION,
  Cancellation,
  type CallOptions,
} from '../../core/calls/cancellation';
import type { SecretReading } from '../../core/contract/custom-secret-manager';
import {
  isSecretManagerError,
  isTransient,
  type SecretManagerError,
} from '../../core/errors/secret-manager.error';
import { now } from '../../core/time/clock';
import type { SecretReadings } from '../policy';
import { LaggingReplicaError } from '../writes/read-your-writes.policy';
import type { ReadFlight } from './flights';

/** One call of the store that answers several flights. */
export class Batch {
  readonly #flights: readonly ReadFlight[];
  readonly #ask: (secretNames: readonly string[], options: CallOptions) => Promise<SecretReadings>;
  readonly #options: CallOptions;
  #answers: Promise<SecretReadings> | undefined;

  constructor(
    flights: readonly ReadFlight[],
    options: CallOptions,
    ask: (secretNames: readonly string[], options: CallOptions) => Promise<SecretReadings>,
  ) {
    this.#flights = flights;
    this.#options = batchOptions(flights, options);
    this.#ask = ask;
  }

  /**
   * Resolves to the answer for one flight. Calls `readAlone` instead if the batch failed because of another
   * secret. A batch does not wait for a replica. Once a write has superseded one of its flights, it is not
   * retried, either.
   */
  async read(
    flight: ReadFlight,
    readAlone: () => Promise<SecretReading | undefined>,
  ): Promise<SecretReading | undefined> {
    const names = this.#flights.map(({ secretName }) => secretName);
    this.#answers ??= this.#ask(names, this.#options);
    try {
      return outcomeOf(flight.secretName, await this.#answers);
    } catch (error) {
      const failedForAnother =
        error instanceof LaggingReplicaError ||
        this.#flights.some(({ isSuperseded }) => isSuperseded);
      const isWanted = flight.isAwaited && !flight.isSuperseded;
      if (!failedForAnother || !isWanted || !isTransient(error)) throw error;
      return await readAlone();
    }
  }
}

/**
 * Returns the options of a batch. The batch lasts as long as its longest flight, and is cancelled with the last
 * of them.
 */
function batchOptions(
  flights: readonly ReadFlight[],
  { params, [ATTEMPTS]: attempts }: CallOptions,
): CallOptions {
  const cancellation = new Cancellation();
  let remaining = flights.length;
  for (const flight of flights) {
    const cancel = (reason: SecretManagerError): void => {
      remaining -= 1;
      if (remaining === 0) cancellation.cancel(reason);
    };
    flight.add({ cancel });
  }
  return {
    params,
    [CANCELLATION]: cancellation,
    get [ATTEMPTS]() {
      return flights.some(({ isSuperseded }) => isSuperseded) ? 'overtaken' : attempts;
    },
    get timeoutMs() {
      return flights.reduce((most, { endsAt }) => Math.max(most, endsAt - now()), 0);
    },
    get signal() {
      return cancellation.signal;
    },
  };
}

function outcomeOf(secretName: string, answers: SecretReadings): SecretReading | undefined {
  const answer = answers.get(secretName);
  if (isSecretManagerError(answer)) throw answer;
  return answer;
}
