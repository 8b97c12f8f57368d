import {
  secretManagerConformance,
  type ConformanceHarness,
  type Fault,
} from 'nestjs-custom-secret-manager/testing';
import { refusal, type Reply } from '../support/aws-endpoint';
import { wrapped } from '../support/wrapped';
import { CREDENTIALS, startMoto, type Moto } from './support/moto';

const BREAK: Readonly<Record<Fault, Reply>> = {
  unavailable: refusal('InternalServiceError', 'An error occurred on the server side.', 500),
  denied: refusal('AccessDeniedException', 'is not authorized to perform'),
  unauthenticated: refusal('UnrecognizedClientException', 'The security token is invalid.'),
  throttled: refusal('ThrottlingException', 'Rate exceeded'),
  hanging: 'hang',
  malformed: ({ headers }) => ({ body: `<html>${JSON.stringify(headers)}sk-conformance-4242` }),
};

let moto: Moto;

beforeAll(async () => {
  moto = await startMoto();
});

afterAll(() => moto.stop());

const bare: ConformanceHarness = {
  caseTimeoutMs: 15_000, // for a machine that is busy with other work
  create: async () => {
    await moto.reset();
    return moto.manager();
  },
  seed: (name, value) => moto.seed(name, value),
  fail: (fault) => moto.endpoint.reply('*', ...(fault === undefined ? [] : [BREAK[fault]])),
  spoil: (name) => moto.deny(name),
  lacks: ['sync', 'emptyValues'],
  canaries: Object.values(CREDENTIALS),
};

describe.each([
  ['AWS Secrets Manager', bare],
  ['AWS Secrets Manager, with every policy', wrapped(bare)],
])('the manager for %s', (_, harness) => {
  const cases = secretManagerConformance(harness).filter(({ skip }) => skip === undefined);

  it.each(cases)('$title', async (conformanceCase) => {
    const run = conformanceCase.run();

    await expect(run).resolves.toBeUndefined();
  });
});

const synchronous: ConformanceHarness = {
  caseTimeoutMs: 15_000, // for a machine that is busy with other work
  ...bare,
  create: async () => {
    await moto.reset();
    return moto.manager({ endpoint: moto.address });
  },
  fail: undefined,
  lacks: ['emptyValues'],
};

describe('the manager for AWS Secrets Manager, with synchronous reads,', () => {
  const isAboutIt = /at once(, and unchanged| for a secret that| what it answers later)/;
  const cases = secretManagerConformance(synchronous).filter(
    ({ title, skip }) => skip === undefined && isAboutIt.test(title),
  );

  it('runs with every variant of the kit', () => {
    expect(cases.length).toBeGreaterThanOrEqual(6);
  });

  it.each(cases)('$title', async (conformanceCase) => {
    const run = conformanceCase.run();

    await expect(run).resolves.toBeUndefined();
  });
});
