const PAUSE_MS = 25;

/** Resolves as soon as the question is answered with yes; rejects if it is not by the deadline. */
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
