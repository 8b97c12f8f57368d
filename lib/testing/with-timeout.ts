/** Resolves as the work does. Rejects with the message if the work takes longer than `limitMs` milliseconds. */
export async function withTimeout<T>(
  limitMs: number,
  work: Promise<T>,
  message = `nothing came of a call within ${limitMs} ms`,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), limitMs);
  });
  return await Promise.race([work, tooLate]).finally(() => clearTimeout(timer));
}
