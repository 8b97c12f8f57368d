import type { SecretDescription, WriteOptions } from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import type { Annotations } from './secrets-api';

/** The annotation with the name that a secret was written under. */
export const NAME_ANNOTATION = 'name';
/** The annotation of whoever wrote the first value of an empty secret. */
export const CLAIM_ANNOTATION = 'nestjs-custom-secret-manager.claim';

const DESCRIPTION_ANNOTATION = 'description';
const RESERVED = [DESCRIPTION_ANNOTATION, NAME_ANNOTATION, CLAIM_ANNOTATION];
const KEY = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const MAX_BYTES = 16 * 1024;

/** Returns description and tags as annotations. Throws `INVALID_ARGUMENT` for a tag that cannot be one. */
export function annotationsFor({ description, tags = {} }: WriteOptions): Annotations {
  const [problem] = tagProblems(tags);
  if (problem !== undefined) throw invalid(`${problem}.`);
  return description === undefined ? tags : { ...tags, [DESCRIPTION_ANNOTATION]: description };
}

/** Returns a problem for each tag that cannot be an annotation. */
export function tagProblems(tags: WriteOptions['tags'] = {}): readonly string[] {
  return Object.keys(tags).flatMap((key) => {
    const problem = keyProblem(key);
    return problem === undefined ? [] : [`The tag ${quoteName(key)} ${problem}`];
  });
}

/** Returns the description and the tags in annotations. */
export function descriptionIn(annotations: Annotations): SecretDescription {
  const tags = Object.entries(annotations).filter(([key]) => !RESERVED.includes(key));
  return {
    description: annotations[DESCRIPTION_ANNOTATION],
    tags: Object.fromEntries(tags),
  };
}

/** Throws `INVALID_ARGUMENT` if the annotations of a secret are too large for Google. */
export function assertSize(annotations: Annotations): void {
  const texts = Object.entries(annotations).flat();
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes < MAX_BYTES) return;
  throw invalid(
    `Description and tags have ${bytes} bytes, and Google keeps less than ${MAX_BYTES}. Shorten them.`,
  );
}

function keyProblem(key: string): string | undefined {
  if (RESERVED.includes(key)) return 'has a name that the manager uses itself. Give it another';
  if (KEY.test(key)) return undefined;
  return 'cannot be an annotation: it needs 1 to 63 letters, digits, dots, dashes or underscores, with a letter or digit at both ends';
}

function invalid(message: string): SecretManagerError {
  return new SecretManagerError('INVALID_ARGUMENT', message);
}
