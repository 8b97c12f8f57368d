"""Runs the Python clients against the gateway, and prints one line of JSON for each check."""

import json
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # without it the import asks the network

import instructor
import litellm
import openai
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

URL = os.environ["GATEWAY_URL"]
KEY = os.environ["GATEWAY_KEY"]
TEXT = "Good day to you"
MESSAGES = [{"role": "user", "content": TEXT}]
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]


def sdk(key=KEY):
    return openai.OpenAI(api_key=key, base_url=f"{URL}/v1", max_retries=0)


def sdk_plain(model, key=KEY, **more):
    answer = sdk(key).chat.completions.create(model=model, messages=MESSAGES, **more)
    return answer.choices[0].message.content


def sdk_stream(model):
    role = content = ""
    for part in sdk().chat.completions.create(model=model, messages=MESSAGES, stream=True):
        role += part.choices[0].delta.role or ""
        content += part.choices[0].delta.content or ""
    return content if role == "assistant" else f"the role is {role}"


def lite(model, key=KEY, **more):
    # without /v1, as LiteLLM's clients name a proxy
    return litellm.completion(
        model=f"litellm_proxy/{model}", messages=MESSAGES, api_key=key, api_base=URL, max_retries=0, **more
    )


def lite_plain(model, key=KEY, **more):
    return lite(model, key, **more).choices[0].message.content


def lite_stream(model):
    return "".join(part.choices[0].delta.content or "" for part in lite(model, stream=True))


def agent(model, key=KEY):
    return Agent(OpenAIChatModel(model, provider=OpenAIProvider(openai_client=openai.AsyncOpenAI(
        api_key=key, base_url=f"{URL}/v1", max_retries=0))))


def agent_plain(model, key=KEY):
    return agent(model, key).run_sync(TEXT).output


def llama(model, key=KEY):
    return OpenAILike(model=model, api_base=f"{URL}/v1", api_key=key, is_chat_model=True, max_retries=0)


def llama_plain(model, key=KEY):
    return llama(model, key).chat([ChatMessage(role="user", content=TEXT)]).message.content


def llama_stream(model):
    return "".join(part.delta for part in llama(model).stream_chat([ChatMessage(role="user", content=TEXT)]))


def instructor_plain(model, key=KEY):
    client = instructor.from_openai(sdk(key), mode=instructor.Mode.TOOLS)
    return client.chat.completions.create(model=model, messages=MESSAGES, response_model=None).choices[0].message.content


CLIENTS = {
    "openai (Python)": {
        "plain": sdk_plain,
        "stream": sdk_stream,
        "models": lambda: [model.id for model in sdk().models.list()],
        "tools": lambda model: sdk_plain(model, tools=TOOLS),
    },
    "LiteLLM (Python)": {
        "plain": lite_plain,
        "stream": lite_stream,
        "tools": lambda model: lite_plain(model, tools=TOOLS),
    },
    "instructor": {"plain": instructor_plain},
    "LlamaIndex": {"plain": llama_plain, "stream": llama_stream},
    "pydantic-ai": {"plain": agent_plain},
}


def status_of(run):
    try:
        return f"no error: {run()}"
    except Exception as error:  # each client has classes of its own
        known = error if getattr(error, "status_code", None) else error.__cause__ or error
        return getattr(known, "status_code", None) or repr(error)


def report(client, check, run):
    try:
        result = run()
    except Exception as error:
        result = f"failed: {error!r}"
    print(json.dumps({"client": client, "check": check, "result": result}), flush=True)


litellm.suppress_debug_info = True
MODELS = ["echo", "gpt", "claude"]
for name, client in CLIENTS.items():
    report(name, "plain", lambda: [client["plain"](model) for model in MODELS])
    if "stream" in client:
        report(name, "stream", lambda: [client["stream"](model) for model in MODELS])
    report(name, "wrong key", lambda: status_of(lambda: client["plain"]("echo", "sk-of-nobody-at-all-0123456789")))
    report(name, "unknown model", lambda: status_of(lambda: client["plain"]("nowhere")))
    if "models" in client:
        report(name, "models", client["models"])
    if "tools" in client:
        report(name, "tools", lambda: client["tools"]("gpt"))
