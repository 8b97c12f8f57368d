/** The values of some secrets at one moment, by the identifier of their part. */
export type Values = ReadonlyMap<string, unknown>;
