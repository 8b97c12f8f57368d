import {
  AddTagsToResourceCommand,
  DeleteParameterCommand,
  DescribeParametersCommand,
  GetParameterCommand,
  GetParametersCommand,
  ListTagsForResourceCommand,
  PutParameterCommand,
  type ParameterMetadata,
  type PutParameterCommandInput,
  type SSMClient,
  type Tag,
} from '@aws-sdk/client-ssm';
import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { AwsSender, type SenderOptions } from '../../aws/sender';
import { withoutFirstSlash } from '../options/parameter-names';
import { PARAMETER_STORE } from './service';

/** The pages of a description that are looked at. AWS may answer with empty ones. */
const MAX_PAGES = 20;

/** A secret, and the name of its parameter. */
export interface Target {
  readonly secretName: string;
  readonly parameter: string;
}

/** The calls to Parameter Store that the driver makes. */
export class ParameterStoreApi {
  readonly #client: SSMClient;
  readonly #sender: AwsSender;

  constructor(client: SSMClient, options: SenderOptions) {
    this.#client = client;
    this.#sender = new AwsSender(PARAMETER_STORE, options);
  }

  /** @param selector `:3` or `:label` after the name, or nothing */
  get({ secretName, parameter }: Target, selector: string, options: OperationOptions) {
    const input = getInput(parameter, selector);
    return this.#sender.send({ action: 'GetParameter', secretName }, options, (guard, limits) =>
      this.#client.send(guard.protect(new GetParameterCommand(input)), limits),
    );
  }

  /** Calls with a name that does not exist. */
  ping(parameter: string, options: OperationOptions) {
    return this.#sender.send({ action: 'GetParameter' }, options, (guard, limits) =>
      this.#client.send(guard.protect(new GetParameterCommand(getInput(parameter))), limits),
    );
  }

  getMany(parameters: readonly string[], options: OperationOptions) {
    const input = { Names: [...parameters], WithDecryption: true };
    return this.#sender.send({ action: 'GetParameters' }, options, (guard, limits) =>
      this.#client.send(guard.protect(new GetParametersCommand(input)), limits),
    );
  }

  put(secretName: string, input: PutParameterCommandInput, options: OperationOptions) {
    return this.#sender.send({ action: 'PutParameter', secretName }, options, (guard, limits) =>
      this.#client.send(guard.protect(new PutParameterCommand(input)), limits),
    );
  }

  delete({ secretName, parameter }: Target, options: OperationOptions) {
    const input = { Name: parameter };
    return this.#sender.send({ action: 'DeleteParameter', secretName }, options, (guard, limits) =>
      this.#client.send(guard.protect(new DeleteParameterCommand(input)), limits),
    );
  }

  /** Resolves to everything about a parameter but its value and its tags, or to `undefined` if it is missing. */
  async describe(
    { secretName, parameter }: Target,
    options: OperationOptions,
  ): Promise<ParameterMetadata | undefined> {
    const ParameterFilters = [{ Key: 'Name', Option: 'Equals', Values: [parameter] }];
    const call = { action: 'DescribeParameters', secretName };
    let NextToken: string | undefined;
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const input = { ParameterFilters, NextToken };
      const answer = await this.#sender.send(call, options, (guard, limits) =>
        this.#client.send(guard.protect(new DescribeParametersCommand(input)), limits),
      );
      const found = answer.Parameters?.find(({ Name = '' }) => areSame(Name, parameter));
      NextToken = answer.NextToken;
      if (found !== undefined || !NextToken) return found;
    }
    return undefined;
  }

  listTags({ secretName, parameter }: Target, options: OperationOptions) {
    const call = { action: 'ListTagsForResource', secretName };
    const input = { ResourceType: 'Parameter', ResourceId: parameter } as const;
    return this.#sender.send(call, options, (guard, limits) =>
      this.#client.send(guard.protect(new ListTagsForResourceCommand(input)), limits),
    );
  }

  addTags({ secretName, parameter }: Target, Tags: Tag[], options: OperationOptions) {
    const call = { action: 'AddTagsToResource', secretName };
    const input = { ResourceType: 'Parameter', ResourceId: parameter, Tags } as const;
    return this.#sender.send(call, options, (guard, limits) =>
      this.#client.send(guard.protect(new AddTagsToResourceCommand(input)), limits),
    );
  }
}

/** Returns the input of a read. Without `WithDecryption` the answer would hold ciphertext, which looks like a value. */
export function getInput(parameter: string, selector = '') {
  return { Name: `${parameter}${selector}`, WithDecryption: true };
}

function areSame(one: string, other: string): boolean {
  return withoutFirstSlash(one) === withoutFirstSlash(other);
}
