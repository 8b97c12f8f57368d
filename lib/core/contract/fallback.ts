export const FALLBACKS = ['never', 'on-absence', 'on-unavailable', 'on-any-failure'] as const;

/**
 * The cases in which the environment answers in place of the manager.
 *
 * `never`: in no case.
 * `on-absence`: the manager has no such secret.
 * `on-unavailable`: also if the manager could not be asked (`TIMEOUT`, `UNAVAILABLE`, `THROTTLED`).
 * `on-any-failure`: also after every other failure, as in LiteLLM, except a bad name and the caller's own
 * abort.
 */
export type Fallback = (typeof FALLBACKS)[number];
