/** Returns what a text holds as JSON, or `undefined`. The error of `JSON.parse` is withheld, because it quotes the text. */
export function parsedJson(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}
