export const DURATION_FORM = /^([1-9]\d{0,8})([smhd])$/;

/** The instant that is so long after now: `30s`, `30m`, `30h` or `30d`. */
export function expiryAfter(duration: string): string {
  const [, count = '0', unit = 's'] = DURATION_FORM.exec(duration) ?? [];
  const seconds = Number(count) * (SECONDS[unit] ?? 1);
  return new Date(Date.now() + seconds * 1_000).toISOString();
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
