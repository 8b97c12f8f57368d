import type { OperationOptions, SecretMetadata, WriteOptions } from 'nestjs-custom-secret-manager';
import type { Break } from './break';
import { CorrectSecretManager } from './correct.secret-manager';
import type { Kept } from './path-store';

type Write = [name: string, value: string, options?: WriteOptions];
type Written = Promise<SecretMetadata | void>;

/** Sends another body. */
function sending(body: (value: string, options: WriteOptions) => object): Break['Manager'] {
  return class extends CorrectSecretManager {
    protected override bodyOf(value: string, options: WriteOptions): string {
      return JSON.stringify(body(value, options));
    }
  };
}

/** Writes in a wrong way; `write` is the right one. */
function writing(
  wrong: (write: (...given: Write) => Written, ...given: Write) => Written,
): Break['Manager'] {
  return class extends CorrectSecretManager {
    override writeSecret(...given: Write): Written {
      return wrong((...right) => super.writeSecret(...right), ...given);
    }
  };
}

export const describingBreaks: readonly Break[] = [
  {
    what: 'overwrites description and tags with nothing',
    killedBy: 'leaves description and tags alone when it writes with {}',
    Manager: sending((value, { description = '', tags = {} }) => ({ value, description, tags })),
  },
  {
    what: 'treats undefined as a request for no description and no tags',
    killedBy: 'leaves description and tags alone when it writes with { description: undefined',
    Manager: sending((value, options) => ({
      value,
      ...('description' in options && { description: options.description ?? null }),
      ...('tags' in options && { tags: options.tags ?? null }),
    })),
  },
  {
    what: 'drops the tags if only a description is given',
    killedBy: 'leaves the tags alone when it writes another description',
    Manager: sending((value, { description, tags }) => ({
      value,
      description,
      tags: tags ?? (description === undefined ? undefined : {}),
    })),
  },
  {
    what: 'keeps description and tags in the value',
    killedBy: 'keeps description and tags out of the value',
    Manager: sending((value, { description, tags }) => ({
      value: tags ? JSON.stringify({ value, description, tags }) : value,
    })),
  },
  {
    what: 'returns tags in the form of its store, as a list',
    killedBy: 'describes a secret as it was described',
    Manager: class extends CorrectSecretManager {
      override async describeSecret(name: string): Promise<object> {
        const { tags = {} } = (await super.describeSecret(name)) as Kept;
        return { tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
      }
    },
  },
  {
    what: 'returns the value in the metadata of a write',
    killedBy: 'tells nothing of the value in what it says of a write',
    Manager: class extends CorrectSecretManager {
      protected override metadataOf(content: Kept): SecretMetadata {
        return { ...super.metadataOf(content), ...{ stored: content.value } };
      }
    },
  },
  {
    what: 'returns the value in the metadata of a deletion',
    killedBy: 'tells nothing of the value in what it says of a deletion',
    Manager: class extends CorrectSecretManager {
      override async deleteSecret(...given: [string, OperationOptions?]): Written {
        const deleted = await this.readSecret(...given);
        return { ...(await super.deleteSecret(...given)), ...{ deleted } };
      }
    },
  },
  {
    what: 'returns the value in a description',
    killedBy: 'tells nothing of the value in its description',
    Manager: class extends CorrectSecretManager {
      override async describeSecret(name: string): Promise<object> {
        return {
          ...(await super.describeSecret(name)),
          ...((await this.readSecret(name)) as object),
        };
      }
    },
  },
  {
    what: 'adds its own tag to the given ones',
    killedBy: 'changes nothing in what it is given to write',
    Manager: writing((write, name, value, options = {}) =>
      write(name, value, {
        ...options,
        tags: options.tags && Object.assign(options.tags, { by: 'me' }),
      }),
    ),
  },
];
