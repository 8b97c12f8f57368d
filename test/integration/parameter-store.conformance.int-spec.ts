import {
  secretManagerConformance,
  type ConformanceHarness,
  type Fault,
} from 'nestjs-custom-secret-manager/testing';
import { refusal, type Reply } from '../support/aws-endpoint';
import { wrapped } from '../support/wrapped';
import { CREDENTIALS } from './support/moto';
import { startMotoParameters, type MotoParameters } from './support/moto-parameters';

const BREAK: Readonly<Record<Fault, Reply>> = {
  unavailable: refusal('InternalServerError', 'An error occurred on the server side.', 500),
  denied: refusal('AccessDeniedException', 'is not authorized to perform'),
  unauthenticated: refusal('UnrecognizedClientException', 'The security token is invalid.'),
  throttled: refusal('ThrottlingException', 'Rate exceeded'),
  hanging: 'hang',
  malformed: ({ headers }) => ({ body: `<html>${JSON.stringify(headers)}sk-conformance-4242` }),
};

let moto: MotoParameters;

beforeAll(async () => {
  moto = await startMotoParameters();
});

afterAll(() => moto.stop());

const bare: ConformanceHarness = {
  create: async () => {
    await moto.reset();
    return moto.manager({ tier: 'Advanced' });
  },
  seed: (name, value) => moto.seed(name, value, { Tier: 'Advanced' }),
  fail: (fault) => moto.endpoint.reply('*', ...(fault === undefined ? [] : [BREAK[fault]])),
  spoil: (name) => moto.deny(name),
  lacks: ['sync', 'emptyValues', 'recovery'],
  names: { isPossible: (name) => /^(?!(aws|ssm)(\/|$))[\w./-]+$/i.test(name) },
  maxValueBytes: 8_192,
  canaries: Object.values(CREDENTIALS),
  caseTimeoutMs: 15_000, // the first call loads the SDK
};

describe.each([
  ['Parameter Store', bare],
  ['Parameter Store, with every policy', wrapped(bare)],
])('the manager for %s', (_, harness) => {
  const cases = secretManagerConformance(harness).filter(({ skip }) => skip === undefined);

  it('runs with most of the kit', () => {
    expect(cases.length).toBeGreaterThanOrEqual(120);
  });

  it.each(cases)('$title', async (conformanceCase) => {
    const run = conformanceCase.run();

    await expect(run).resolves.toBeUndefined();
  });
});

const synchronous: ConformanceHarness = {
  ...bare,
  create: async () => {
    await moto.reset();
    return moto.manager({ endpoint: moto.address, tier: 'Advanced' });
  },
  fail: undefined,
  spoil: undefined,
  lacks: ['emptyValues', 'recovery'],
};

describe('the manager for Parameter Store, with synchronous reads,', () => {
  const isAboutIt = /at once(, and unchanged| for a secret that| what it answers later)/;
  const cases = secretManagerConformance(synchronous).filter(
    ({ title, skip }) => skip === undefined && isAboutIt.test(title),
  );

  it('runs with the variants of the kit', () => {
    expect(cases.length).toBeGreaterThanOrEqual(4);
  });

  it.each(cases)('$title', async (conformanceCase) => {
    const run = conformanceCase.run();

    await expect(run).resolves.toBeUndefined();
  });
});
