import type { ParameterTier } from '../options/parameter-store.options';

const MAX_BYTES = 8_192;
const MAX_STANDARD_BYTES = 4_096;

/** Returns why AWS would not store a value, as the end of a sentence, or `undefined`. */
export function valueProblem(value: string, tier: ParameterTier | undefined): string | undefined {
  const bytes = Buffer.byteLength(value);
  if (bytes === 0) return 'is empty, and AWS stores no empty value. Delete the secret instead';
  if (bytes > MAX_BYTES) return `has ${bytes} bytes, and AWS stores at most ${MAX_BYTES}`;
  if (tier !== 'Standard' || bytes <= MAX_STANDARD_BYTES) return undefined;
  return `has ${bytes} bytes, and the tier \`Standard\` stores at most ${MAX_STANDARD_BYTES}. Set \`tier\` to \`Advanced\``;
}
