/** Rejects after `timeoutMs` milliseconds, so that a case fails where its subject hangs. */
export async function withTimeout(timeoutMs: number, work: Promise<unknown> | void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`nothing came of a call within ${timeoutMs} ms`)),
      timeoutMs,
    );
  });
  try {
    await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
