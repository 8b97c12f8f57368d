/** Returns the options without those that are `undefined`, so that they replace no other ones in a spread. */
export function withoutUndefined<Options extends object>(options: Options): Options {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Options;
}

/** Returns the first of these variables that has a value. An empty one counts as unset. */
export function variableOf(
  environment: Readonly<Record<string, string | undefined>>,
  ...names: readonly string[]
): string | undefined {
  return names
    .map((name) => environment[name])
    .find((value) => value !== undefined && value !== '');
}

/** Returns a function that returns the first of the named variables that has a value, as {@link variableOf} does. */
export function variablesOf(
  environment: Readonly<Record<string, string | undefined>>,
): (...names: readonly string[]) => string | undefined {
  return (...names) => variableOf(environment, ...names);
}
