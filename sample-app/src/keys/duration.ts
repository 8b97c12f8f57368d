import { ValidateBy } from 'class-validator';

const FORM = /^(\d{1,9})(s|m|h|d|w|mo)$/;

/** Dates from there on have five digits for the year, which clients do not read. */
const YEAR_10000_MS = Date.UTC(10_000, 0);

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Returns the time that is a duration of LiteLLM after now: `30s`, `30m`, `30h`, `30d`, `2w` or `1mo`. */
export function timeAfter(duration: string): Date {
  const [, count = '0', unit = ''] = FORM.exec(duration) ?? [];
  const milliseconds = UNIT_MS[unit];
  if (milliseconds === undefined) return monthsFromNow(Number(count));
  return new Date(Date.now() + Number(count) * milliseconds);
}

/** As {@link timeAfter}; what lasts for ever, `-1`, has no end. */
export function expiryAfter(duration: string): string | null {
  return duration === FOR_EVER ? null : timeAfter(duration).toISOString();
}

const FOR_EVER = '-1';

interface DurationRules {
  /** Permits 0 seconds, minutes and so on. Default: no. */
  readonly allowsZero?: boolean;
  /** Permits `-1`, for ever. Default: no. */
  readonly allowsForEver?: boolean;
}

/** Validates a duration: its form, and that it ends at a date that clients can read. */
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
  return timeAfter(given).getTime() < YEAR_10000_MS; // not of a date that there is not
}

/** The last day of a month stands for a day that the month lacks. */
function monthsFromNow(count: number): Date {
  const date = new Date();
  const day = date.getUTCDate();
  date.setUTCMonth(date.getUTCMonth() + count);
  if (date.getUTCDate() !== day) date.setUTCDate(0);
  return date;
}
