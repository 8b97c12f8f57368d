/**
 * Returns a copy of parsed JSON, with `map` applied to every string and every property name. The path consists of
 * names and list positions. An element with an `index`, as a choice in a stream, has that as its position.
 */
export function mapTexts(
  value: unknown,
  map: (text: string, path: string) => string,
  path = '',
): unknown {
  if (typeof value === 'string') return map(value, path);
  if (Array.isArray(value)) {
    return value.map((each: unknown, at) => mapTexts(each, map, `${path}/${indexOf(each) ?? at}`));
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, each]) => [
    map(name, ''),
    mapTexts(each, map, `${path}/${name}`),
  ]);
  return Object.fromEntries(entries);
}

function indexOf(element: unknown): number | undefined {
  const { index } = Object(element) as { index?: unknown };
  return typeof index === 'number' ? index : undefined;
}
