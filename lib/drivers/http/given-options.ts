/** Returns the options without those that are `undefined`, so that they replace no other ones in a spread. */
export function withoutUndefined<Options extends object>(options: Options): Options {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Options;
}
