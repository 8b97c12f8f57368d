import type * as http from '../../http/wire/steps';
import type { VaultAnswer } from './vault-answer';
import type { VaultRequest } from './vault-request';

/** A sequence of requests to the server that runs asynchronously or blocking. */
export type Steps<Outcome> = http.Steps<Outcome, VaultRequest, VaultAnswer>;
