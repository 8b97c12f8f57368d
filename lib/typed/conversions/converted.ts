/** The value that was made of a text, or the problem as the end of a sentence. */
export type Converted =
  | { readonly value: unknown }
  | {
      /** It holds nothing of the text. */
      readonly problem: string;
      /** The report of the parser, the validator or the schema. It may hold the text. */
      readonly original?: unknown;
    };

export type Convert = (text: string) => Converted;
