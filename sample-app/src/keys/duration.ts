import { ValidateBy } from 'class-validator';

const FORM = /^(\d{1,9})(s|m|h|d|w|mo)$/;

/** The first date whose year has five digits, which clients cannot read. */
const YEAR_10000_MS = Date.UTC(10_000, 0);

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Returns the time after a duration of LiteLLM: `30s`, `30m`, `30h`, `30d`, `2w` or `1mo`. */
export function timeAfter(duration: string): Date {
  const [, count = '0', unit = ''] = FORM.exec(duration) ?? [];
  const milliseconds = UNIT_MS[unit];
  if (milliseconds === undefined) return monthsFromNow(Number(count));
  return new Date(Date.now() + Number(count) * milliseconds);
}

/** Returns the time of {@link timeAfter}, or `null` for `-1`, which never ends. */
export function expiryAfter(duration: string): string | null {
  return duration === FOR_EVER ? null : timeAfter(duration).toISOString();
}

const FOR_EVER = '-1';

interface DurationRules {
  /** Permits 0 seconds, minutes and so on. Default: no. */
  readonly allowsZero?: boolean;
  /** Permits `-1`, which never ends. Default: no. */
  readonly allowsForEver?: boolean;
}

/** Validates the form of a duration. It must end at a date that clients can read. */
export function IsDuration(rules: DurationRules = {}): PropertyDecorator {
  return ValidateBy({
    name: 'isDuration',
    validator: {
      validate: (given) => isDuration(given, rules),
      defaultMessage: () =>
        '$property must be as "30s", "30m", "30h", "30d", "2w" or "1mo", and end before the year 10000',
    },
  });
}

function isDuration(given: unknown, { allowsZero = false, allowsForEver = false }: DurationRules) {
  if (typeof given !== 'string') return false;
  if (allowsForEver && given === FOR_EVER) return true;
  const [, count] = FORM.exec(given) ?? [];
  if (count === undefined || (Number(count) === 0 && !allowsZero)) return false;
  return timeAfter(given).getTime() < YEAR_10000_MS; // false for an invalid date
}

/** Adds months to the current time. A day that the month lacks becomes its last day. */
function monthsFromNow(count: number): Date {
  const date = new Date();
  const day = date.getUTCDate();
  date.setUTCMonth(date.getUTCMonth() + count);
  if (date.getUTCDate() !== day) date.setUTCDate(0);
  return date;
}
