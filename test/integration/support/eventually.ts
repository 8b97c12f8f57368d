const PAUSE_MS = 25;

/** Resolves when the condition holds. Rejects at the deadline. */
export async function eventually(
  what: string,
  ask: () => boolean | Promise<boolean>,
  withinMs = 10_000,
): Promise<void> {
  const endsAt = Date.now() + withinMs;
  while (!(await ask())) {
    if (Date.now() >= endsAt) throw new Error(`${what}: not within ${withinMs} ms.`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
