import type { OperationOptions } from '../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import type { HttpAnswer, HttpRequest, HttpSteps } from '../http/wire/http-request';
import { paused } from '../http/wire/steps';
import { storeError } from '../http/wire/store-errors';
import { CONJUR, isAbsent, isPage } from './conjur-errors';
import type { ConjurUrls } from './conjur-urls';

export type Send = (request: HttpRequest) => HttpSteps<HttpAnswer>;

const CONTEXT = { manager: 'cyberark-conjur', operation: 'writeSecret' };
/** The pause while Conjur loads a policy. It loads one at a time. */
const LOADING_PAUSE_MS = 250;

/** Writes values. Declares a missing variable below the policy branch. */
export class ConjurWriter {
  readonly #urls: ConjurUrls;
  readonly #branch: string | undefined;

  constructor(urls: ConjurUrls, branch: string | undefined) {
    this.#urls = urls;
    this.#branch = branch;
  }

  *write(
    secretName: string,
    value: string,
    options: OperationOptions,
    send: Send,
  ): HttpSteps<void> {
    const request = this.requestOf(secretName, value);
    const subject = `Writing ${quoteName(secretName)}`;
    const answer = yield* send(request);
    if (isWritten(answer)) return;
    if (!isAbsent(answer)) throw storeError(answer, subject, CONJUR);
    yield* this.declare(secretName, options, send);
    const retried = yield* send(request);
    if (isWritten(retried)) return;
    throw isAbsent(retried) ? invisible(secretName) : storeError(retried, subject, CONJUR);
  }

  private requestOf(secretName: string, value: string): HttpRequest {
    const headers = { 'content-type': 'application/octet-stream' };
    return { method: 'POST', url: this.#urls.variable(secretName), headers, body: value };
  }

  /** Adds the variable to the policy of the branch. Waits while Conjur loads another policy. */
  private *declare(secretName: string, options: OperationOptions, send: Send): HttpSteps<void> {
    const branch = this.#branch;
    const id = branch === undefined ? undefined : idBelow(branch, secretName);
    if (branch === undefined || id === undefined) throw undeclared(secretName, branch);
    const headers = { 'content-type': 'application/x-yaml' };
    const body = `- !variable ${/^[\w./-]+$/.test(id) ? id : JSON.stringify(id)}\n`;
    for (;;) {
      const answer = yield* send({ method: 'POST', url: this.#urls.policy(branch), headers, body });
      if (isWritten(answer)) return;
      if (answer.statusCode !== 409) {
        throw storeError(answer, `Declaring the variable ${quoteName(secretName)}`, CONJUR);
      }
      yield* paused(LOADING_PAUSE_MS, options, CONTEXT);
    }
  }
}

function isWritten(answer: HttpAnswer): boolean {
  return (answer.statusCode === 200 || answer.statusCode === 201) && !isPage(answer);
}

/** Returns the name within a branch, or `undefined` if the variable lies elsewhere. */
function idBelow(branch: string, secretName: string): string | undefined {
  if (branch === 'root') return secretName;
  return secretName.startsWith(`${branch}/`) ? secretName.slice(branch.length + 1) : undefined;
}

function undeclared(secretName: string, branch: string | undefined): SecretManagerError {
  const remedy =
    branch === undefined
      ? 'Declare it by policy, or set `policyBranch` to have the manager declare it'
      : `Declare it by policy, or choose a name that begins with ${quoteName(`${branch}/`)}, the policyBranch`;
  return new SecretManagerError(
    'UNSUPPORTED',
    `Conjur has no variable ${quoteName(secretName)} that the login may see, and a write cannot create one: policy declares variables. ${remedy}.`,
    { secretName },
  );
}

function invisible(secretName: string): SecretManagerError {
  return new SecretManagerError(
    'ACCESS_DENIED',
    `The variable ${quoteName(secretName)} is declared, but the login may not see it. Permit it "update" by policy.`,
    { secretName },
  );
}
