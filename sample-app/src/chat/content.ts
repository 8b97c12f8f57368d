/** Returns the text of a content, which is a string or a list of parts. Returns `undefined` if a part is no text. */
export function textOf(content: unknown): string | undefined {
  if (content === undefined || content === null) return '';
  if (typeof content === 'string') return content;
  const texts = Array.isArray(content) ? content.map(textOfPart) : [undefined];
  return texts.includes(undefined) ? undefined : texts.join('');
}

function textOfPart(part: unknown): string | undefined {
  const { type, text } = (part ?? {}) as { type?: unknown; text?: unknown };
  return type === 'text' && typeof text === 'string' ? text : undefined;
}
