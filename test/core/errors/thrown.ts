/** A text that must appear nowhere, whatever is thrown. */
export const CANARY = 'hvs.CAESIJ-canary-in-what-was-thrown';

class ThrowingGetters extends Error {
  override get message(): string {
    throw new Error(CANARY);
  }
  override get name(): string {
    throw new Error(CANARY);
  }
  override get stack(): string {
    throw new Error(CANARY);
  }
}

function refuse(): never {
  throw new Error(CANARY);
}

const cycle: Record<string, unknown> = { CANARY };
cycle.cause = cycle;

const reassigned = new Error(`first line\n    at ${CANARY} (/app/a.js:1:1)`);
reassigned.message = '';

const withStack = Object.assign(new Error('short'), {
  stack: `Error: short\n    at Store.read (https://user:${CANARY}@vault.test/a.js:1:1)\n${CANARY}`,
});

/** Everything that JavaScript can throw, with the canary if it fits. */
export const THROWN: readonly [string, unknown][] = [
  ['a string', CANARY],
  ['an empty string', ''],
  ['undefined', undefined],
  ['null', null],
  ['a number', 42],
  ['a symbol', Symbol(CANARY)],
  ['a function', Object.assign(() => CANARY, { code: CANARY })],
  ['an array', [CANARY]],
  ['an object', { message: CANARY, code: CANARY, name: CANARY, status: CANARY }],
  [
    'an object without prototype',
    Object.assign(Object.create(null) as object, { message: CANARY }),
  ],
  ['an object that is its own cause', cycle],
  ['a frozen object', Object.freeze({ token: CANARY })],
  ['a frozen error', Object.freeze(new Error(CANARY))],
  ['an error', new Error(CANARY)],
  ['an error with a cause', new Error(CANARY, { cause: new Error(CANARY, { cause: { CANARY } }) })],
  ['an error whose getters throw', new ThrowingGetters()],
  [
    'an error with fields',
    Object.assign(new Error(CANARY), { config: { headers: { token: CANARY } }, body: CANARY }),
  ],
  [
    'an error with a name that is no identifier',
    Object.assign(new Error(CANARY), { name: `Error ${CANARY}` }),
  ],
  [
    'an error with a code that is no identifier',
    Object.assign(new Error(CANARY), { code: CANARY }),
  ],
  ['an error whose message was reassigned', reassigned],
  ['an error with a stack of its own', withStack],
  ['an error whose message looks like a frame', new Error(`x\n    at ${CANARY} (/app/a.js:1:1)`)],
  ['an aggregate', new AggregateError([new Error(CANARY)], CANARY)],
  [
    'a proxy that refuses everything',
    new Proxy({}, { get: refuse, has: refuse, getPrototypeOf: refuse, ownKeys: refuse }),
  ],
  ['a revoked proxy', revoked()],
  ['a promise', Promise.resolve(CANARY)],
];

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
