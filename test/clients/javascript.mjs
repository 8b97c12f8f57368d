// Runs the JavaScript clients against the gateway, and prints one line of JSON for each check. It is copied to the folder of
// the installed clients, so that it finds only those.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { HumanMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import { generateText, streamText } from 'ai';
import OpenAI from 'openai';

const { GATEWAY_URL: url, GATEWAY_KEY: key } = process.env;
const baseURL = `${url}/v1`;
const text = 'Good day to you';
const messages = [{ role: 'user', content: text }];
const tools = [
  {
    type: 'function',
    function: { name: 'weather', parameters: { type: 'object', properties: {} } },
  },
];

const openai = (apiKey) => new OpenAI({ apiKey, baseURL, maxRetries: 0 });
const vercel = (apiKey) =>
  createOpenAICompatible({ name: 'gateway', apiKey, baseURL, includeUsage: true });
const langchain = (model, apiKey, more = {}) =>
  new ChatOpenAI({ model, apiKey, maxRetries: 0, configuration: { baseURL }, ...more });

const joined = async (parts, textOf) => {
  let all = '';
  for await (const part of parts) all += textOf(part);
  return all;
};

const CLIENTS = {
  'openai (Node)': {
    plain: async (model, apiKey = key) => {
      const { choices } = await openai(apiKey).chat.completions.create({ model, messages });
      return choices[0].message.content;
    },
    stream: async (model) => {
      const stream = openai(key).chat.completions.stream({ model, messages });
      const { role, content } = await stream.finalMessage();
      return role === 'assistant' ? content : `the role is ${role}`;
    },
    models: async () => (await openai(key).models.list()).data.map(({ id }) => id),
    tools: async (model) => {
      const { choices } = await openai(key).chat.completions.create({ model, messages, tools });
      return choices[0].message.content;
    },
  },
  'LangChain (Node)': {
    plain: async (model, apiKey = key) =>
      (await langchain(model, apiKey).invoke([new HumanMessage(text)])).content,
    stream: async (model) =>
      joined(await langchain(model, key).stream([new HumanMessage(text)]), (part) => part.content),
    tools: async (model) =>
      (
        await langchain(model, key)
          .bindTools(tools)
          .invoke([new HumanMessage(text)])
      ).content,
  },
  'Vercel AI': {
    plain: async (model, apiKey = key) =>
      (await generateText({ model: vercel(apiKey)(model), prompt: text, maxRetries: 0 })).text,
    stream: async (model) =>
      joined(streamText({ model: vercel(key)(model), prompt: text }).textStream, (part) => part),
  },
};

const statusOf = async (asked) => {
  try {
    return `no error: ${await asked}`;
  } catch (error) {
    return error.status ?? error.statusCode ?? String(error);
  }
};

for (const [client, { plain, stream, models, tools }] of Object.entries(CLIENTS)) {
  const checks = {
    plain: () => Promise.all(['echo', 'gpt', 'claude'].map((model) => plain(model))),
    stream: () => Promise.all(['echo', 'gpt', 'claude'].map(stream)),
    'wrong key': () => statusOf(plain('echo', 'sk-of-nobody-at-all-0123456789')),
    'unknown model': () => statusOf(plain('nowhere')),
    models,
    tools: tools && (() => tools('gpt')),
  };
  for (const [check, run] of Object.entries(checks)) {
    if (run === undefined) continue;
    const result = await run().catch((error) => `failed: ${error}`);
    console.log(JSON.stringify({ client, check, result }));
  }
}
