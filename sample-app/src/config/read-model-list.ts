import { readFileSync } from 'node:fs';
import { validated } from '../validated';
import { LitellmParams, ModelEntry } from './model-entry';
import { ModelList, type Model, type ProviderName } from './model-list';

/** Reads the configuration file, in the form of LiteLLM. Throws one error with every problem. */
export function readModelList(path: string): ModelList {
  const { model_list: list } = parse(path) as { model_list?: unknown };
  if (!Array.isArray(list) || list.length === 0) {
    throw wrong(path, ['model_list must be a list of models']);
  }
  const entries = list.map(readEntry);
  const names = entries.map(({ name }) => name);
  const problems = entries.flatMap((entry, index) => [
    ...entry.problems.map((problem) => `model_list[${index}]${problem}`),
    ...(names.indexOf(entry.name) < index
      ? [`model_list[${index}].model_name is there before`]
      : []),
  ]);
  if (problems.length > 0) throw wrong(path, problems);
  return new ModelList(entries.map(toModel));
}

function parse(path: string): object {
  try {
    return Object(JSON.parse(readFileSync(path, 'utf8'))) as object;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw wrong(path, [code ? `it cannot be read (${code})` : 'it is not valid JSON']);
  }
}

interface Entry {
  readonly name: unknown;
  readonly params: LitellmParams;
  readonly problems: readonly string[];
}

function readEntry(given: unknown, index: number): Entry {
  const entry = validated(ModelEntry, given);
  const params = validated(LitellmParams, entry.value.litellm_params);
  const problems = [
    ...entry.problems.map(({ message }) => `: ${message}`),
    ...params.problems.map(({ message }) => `.litellm_params: ${message}`),
  ];
  if (problems.length === 0 && lacksKey(params.value)) {
    problems.push('.litellm_params: api_key is missing, as "os.environ/NAME"');
  }
  return { name: entry.value.model_name || index, params: params.value, problems };
}

/** Tells whether a model needs a key and has none. Your own server may need no key. */
function lacksKey({ model, api_key, api_base }: LitellmParams): boolean {
  if (api_key !== undefined || model.startsWith('echo/')) return false;
  return api_base === undefined || model.startsWith('anthropic/');
}

/** The default timeout of a provider. A reasoning model may be silent for minutes, and OpenAI's clients wait as long. */
const DEFAULT_TIMEOUT_S = 600;

function toModel({ name, params }: Entry): Model {
  const { model, api_key: apiKey, api_base: apiBase, timeout = DEFAULT_TIMEOUT_S } = params;
  const [provider = '', ...rest] = model.split('/');
  return {
    name: String(name),
    provider: provider as ProviderName, // the form of `model` was validated
    upstreamModel: rest.join('/'),
    apiKey,
    apiBase: apiBase && withoutSlashes(apiBase),
    timeoutMs: timeout * 1_000,
  };
}

/** Removes the slashes at the end. */
function withoutSlashes(address: string): string {
  let end = address.length;
  while (address[end - 1] === '/') end -= 1;
  return address.slice(0, end);
}

function wrong(path: string, problems: readonly string[]): Error {
  return new Error(`${path} is not right:\n${problems.map((each) => `- ${each}`).join('\n')}`);
}
