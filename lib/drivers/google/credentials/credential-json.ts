import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';

/** The JSON of a credential file. */
export type CredentialJson = Readonly<Record<string, unknown>>;

/** Returns the JSON of a text. Hides the error of the parser, which quotes the text. */
export function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unusable(place, 'holds no JSON');
  }
}

/** Returns the text of a field. Throws `MISCONFIGURED` if it is missing or empty. */
export function requiredText(json: CredentialJson, field: string, place: string): string {
  const value = optionalText(json[field]);
  if (value !== undefined) return value;
  throw unusable(place, `lacks the field ${quoteName(field)}`);
}

export function optionalText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** @param place names the file or the option of the credential */
export function unusable(place: string, problem: string): SecretManagerError {
  return new SecretManagerError('MISCONFIGURED', `${place} ${problem}`);
}
