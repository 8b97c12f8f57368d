const PAUSE_MS = 20;

export interface Readings<Value> {
  readonly values: ReadonlySet<Value>;
  /** The codes, or the messages, of the failures. */
  readonly failures: readonly string[];
  readonly errors: readonly unknown[];
  readonly count: number;
}

/** Reads repeatedly, and resolves to the values and failures. */
export async function keepReading<Value>(
  read: () => Promise<Value>,
  goesOn: () => boolean,
): Promise<Readings<Value>> {
  const values = new Set<Value>();
  const errors: unknown[] = [];
  let count = 0;
  while (goesOn()) {
    count += 1;
    try {
      values.add(await read());
    } catch (error) {
      errors.push(error);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return { values, errors, failures: errors.map(codeOf), count };
}

/** Returns a condition that holds for some time from now. */
export function lasting(ms: number): () => boolean {
  const endsAt = Date.now() + ms;
  return () => Date.now() < endsAt;
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? String(error);
}
