/**
 * Returns a copy of parsed JSON with every string, and every name of a property, as `map` returns it. The path is made of
 * names, and of the `index` that an element of a list has, as chunks of a stream count choices.
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
