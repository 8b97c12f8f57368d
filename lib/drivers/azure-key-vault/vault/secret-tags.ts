import type { SecretDescription, WriteOptions } from '../../../core/contract/custom-secret-manager';
import {
  isSecretManagerError,
  SecretManagerError,
} from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';

type Tags = Readonly<Record<string, string>>;

/** The tag that holds the description. A vault has no field for one. */
const DESCRIPTION = 'description';
/** The tag that holds the name before it was mapped. */
const NAME = 'name';

const MOST_TAGS = 15;
const LONGEST_TAG = 256;

/** The tags of secrets: those of the user, the description, and with mapped names the name. */
export class SecretTags {
  readonly #notesNames: boolean;

  /** @param notesNames whether names are mapped, so that two of them may meet */
  constructor(notesNames: boolean) {
    this.#notesNames = notesNames;
  }

  /** Throws `INVALID_ARGUMENT` if the secret was written under another name that is mapped to the same one. */
  assertOwn({ tags }: { readonly tags: Tags }, secretName: string, storedName: string): void {
    const { [NAME]: noted } = tags;
    if (!this.#notesNames || noted === undefined || noted === secretName) return;
    throw new SecretManagerError(
      'INVALID_ARGUMENT',
      `The vault has another secret in the place of ${quoteName(secretName)}: ${quoteName(storedName)} was written ` +
        `under a name that \`mapName\` makes the same, or has another tag "${NAME}". Rename one of them.`,
    );
  }

  describe({ tags }: { readonly tags: Tags }): SecretDescription {
    const { [DESCRIPTION]: description, ...others } = tags;
    const { [NAME]: noted, ...ofUser } = others;
    const isOurs = this.#notesNames && noted !== undefined;
    return { description, tags: isOurs ? ofUser : others };
  }

  /** Throws `INVALID_ARGUMENT` for tags that a vault does not take. */
  assertGiven({ description, tags = {} }: WriteOptions): void {
    if (description !== undefined && tags[DESCRIPTION] !== undefined) {
      throw invalid(`The description is the tag "${DESCRIPTION}": leave that tag out`);
    }
    if (this.#notesNames && tags[NAME] !== undefined) {
      throw invalid(
        `The tag "${NAME}" holds the name of the secret, because of mapName: leave it out`,
      );
    }
  }

  /** Throws `MISCONFIGURED` for the description and the tags of the settings if each write would fail with them. */
  assertUsual({ description, tags }: Pick<WriteOptions, 'description' | 'tags'>): void {
    try {
      this.assertGiven({ description, tags });
      this.merge({}, '', { description, tags });
    } catch (error) {
      if (!isSecretManagerError(error)) throw error;
      const message = `The description or the tags of the settings cannot be written. ${error.message}`;
      throw new SecretManagerError('MISCONFIGURED', message);
    }
  }

  /** Returns the tags of a new version. What the call leaves out stays. Throws `INVALID_ARGUMENT` for too many. */
  merge(existing: Tags, secretName: string, { description, tags }: WriteOptions): Tags {
    const merged: Tags = {
      ...existing,
      ...tags,
      ...(description === undefined ? {} : { [DESCRIPTION]: description }),
      ...(this.#notesNames ? { [NAME]: secretName } : {}),
    };
    const entries = Object.entries(merged);
    if (entries.length > MOST_TAGS) {
      throw invalid(
        `A vault takes ${MOST_TAGS} tags for a secret, with those of the description, of the name and of the version ` +
          `before, and there would be ${entries.length}: leave some out`,
      );
    }
    const long = entries.find((entry) => entry.some(({ length }) => length > LONGEST_TAG));
    if (long === undefined) return merged;
    const [key] = long;
    throw invalid(
      `A vault takes tags of ${LONGEST_TAG} characters, and ${quoteName(key)} or its value is longer`,
    );
  }
}

function invalid(problem: string): SecretManagerError {
  return new SecretManagerError('INVALID_ARGUMENT', `${problem}.`);
}
