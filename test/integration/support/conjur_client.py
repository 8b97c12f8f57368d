"""Runs CyberArk's own client against a server, and prints what it answered as JSON."""
import asyncio
import json
import sys

from conjur_api import Client
from conjur_api.errors.errors import HttpStatusError
from conjur_api.models import ConjurConnectionInfo, CredentialsData, SslVerificationMode
from conjur_api.providers import AuthnAuthenticationStrategy, SimpleCredentialsProvider

url, account, login, api_key, policy = sys.argv[1:]


async def outcome(work):
    """Returns the answer, or the status of the failure."""
    try:
        answer = await work
        return answer.decode() if isinstance(answer, bytes) else answer
    except HttpStatusError as error:
        return {"status": error.status}
    except Exception as error:
        return {"error": type(error).__name__, "status": getattr(error, "status", None)}


def client_of(key):
    credentials = SimpleCredentialsProvider()
    credentials.save(CredentialsData(machine=url, username=login, api_key=key))
    return Client(
        ConjurConnectionInfo(conjur_url=url, account=account),
        authn_strategy=AuthnAuthenticationStrategy(credentials),
        ssl_verification_mode=SslVerificationMode.INSECURE,
    )


async def main():
    client = client_of(api_key)
    answers = {
        "whoami": await outcome(client.whoami()),
        "undeclared": await outcome(client.set("apps/a key", "one")),
        "declared": await outcome(client.load_policy_file("apps", policy)),
        "empty": await outcome(client.get("apps/key")),
        "one": await outcome(client.set("apps/key", "one")),
        "two": await outcome(client.set("apps/key", "two")),
        "latest": await outcome(client.get("apps/key")),
        "first": await outcome(client.get("apps/key", "1")),
        "beyond": await outcome(client.get("apps/key", "9")),
        "batch": await outcome(client.get_many("apps/key", "seeded")),
        "incomplete": await outcome(client.get_many("apps/key", "apps/missing")),
        "denied": await outcome(client.get("denied")),
        "blank": await outcome(client.set("apps/key", " ")),
        "wrong_key": await outcome(client_of("wrong").get("apps/key")),
    }
    print(json.dumps(answers))


asyncio.run(main())
