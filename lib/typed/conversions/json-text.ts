/**
 * Returns what a text holds as JSON, or `undefined`. A byte order mark is dropped. The error of `JSON.parse` is
 * withheld, because it quotes the text.
 */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    return undefined;
  }
}
