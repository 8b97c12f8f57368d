import { kindOf } from '../core/errors/wording';
import {
  duration,
  isRecord,
  must,
  optional,
  ruleProblems,
  type Rule,
  type Rules,
} from '../core/validation/option-rules';
import { read } from '../core/errors/safe-access';
import type { FleetTransport } from './fleet-transport';
import { keyProblem } from './wire/fleet-key';

/** The source of the key of a fleet: a string, a function, or a handle. */
export type FleetKeySource = string | (() => string) | { reveal(): string };

/** The options of a fleet: the instances that tell each other of changes. Durations are in milliseconds. */
export interface FleetOptions {
  readonly transport: FleetTransport;
  /**
   * The key that all instances share, of 16 bytes or more: `openssl rand -base64 32`. A handle or a function is asked
   * again, so that the key can be rotated.
   */
  readonly key: FleetKeySource;
  /** The name of the fleet on the channel. Default: the name of the registration. */
  readonly id?: string;
  /** The longest time for which a value is fresh while the instance is cut off, 100 or more. Default 60 000. */
  readonly disconnectedTtlMs?: number;
  /** The time within which the instances read a changed secret again, each at a random instant. Default 2 000. */
  readonly spreadMs?: number;
}

/** Complete and valid options of a fleet. `id` has no default here. */
export type ResolvedFleetOptions = Required<Omit<FleetOptions, 'id'>> & Pick<FleetOptions, 'id'>;

export function resolveFleetOptions({
  transport,
  key,
  id,
  disconnectedTtlMs = 60_000,
  spreadMs = 2_000,
}: FleetOptions): ResolvedFleetOptions {
  return { transport, key, id, disconnectedTtlMs, spreadMs };
}

/** A third of it is the time between two heartbeats. */
const SHORTEST_TTL_MS = 100;

const RULES: Rules = {
  transport: transportProblem,
  key: keySourceProblem,
  ...optional({
    id: must('be a name of 1 to 256 characters', isId),
    disconnectedTtlMs: duration(SHORTEST_TTL_MS),
    spreadMs: duration(),
  }),
};

/** Returns the problems of the option `fleet`. None shows the key. */
export function fleetProblems(value: unknown, path: string): ReturnType<Rule> {
  if (!isRecord(value)) return `must be { transport, key }, and is ${kindOf(value)}`;
  return ruleProblems(value, RULES, `${path}.`);
}

function transportProblem(value: unknown): string | undefined {
  const missing = ['publish', 'subscribe'].filter(
    (method) => typeof read(value, method) !== 'function',
  );
  if (missing.length === 0) return undefined;
  const given = typeof value === 'object' && value !== null ? '' : `, and is ${kindOf(value)}`;
  const methods = missing.map((method) => `${method}()`).join(' and ');
  return `must be a transport such as \`new NatsTransport(...)\`${given}: it has no ${methods}`;
}

function keySourceProblem(value: unknown): string | undefined {
  if (typeof value === 'string') return keyProblem(value);
  if (typeof value === 'function' || typeof read(value, 'reveal') === 'function') return undefined;
  return `must be a string, a function that returns one, or a handle, and is ${kindOf(value)}`;
}

function isId(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value.length <= 256;
}
