import { ConjurSecretManager } from 'nestjs-custom-secret-manager/drivers/cyberark-conjur';
import {
  secretManagerConformance,
  type ConformanceHarness,
} from 'nestjs-custom-secret-manager/testing';
import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FakeConjur } from '../support/fake-conjur';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';

const PYTHON = join(__dirname, '../../.cache/servers/bin/python');

describe("CyberArk's own client at the fake of Conjur", () => {
  const conjur = new FakeConjur();
  let answers: Readonly<Record<string, unknown>>;

  beforeAll(async () => {
    await conjur.start();
    conjur.keep('seeded', 'seeded value');
    conjur.keep('denied', 'value');
    conjur.denied.add('denied');
    const policy = join(temporaryFolder(), 'policy.yml');
    writeFileSync(policy, '- !variable key\n');
    const { address, account, login, apiKey } = conjur;
    const script = join(__dirname, 'support/conjur_client.py');
    const run = promisify(execFile);
    const { stdout } = await run(PYTHON, [script, address, account, login, apiKey, policy]);
    answers = JSON.parse(stdout) as typeof answers;
  });

  afterAll(async () => {
    await conjur.stop();
    removeTemporaryFolders();
  });

  it.each<[step: string, answer: unknown]>([
    ['whoami', expect.objectContaining({ account: 'acme' })],
    ['undeclared', expect.objectContaining({ status: 404 })],
    ['declared', expect.objectContaining({ version: 1 })],
    ['empty', expect.objectContaining({ status: 404 })],
    ['one', null],
    ['two', null],
    ['latest', 'two'],
    ['first', 'one'],
    ['beyond', expect.objectContaining({ status: 404 })],
    ['batch', { 'apps/key': 'two', seeded: 'seeded value' }],
    ['incomplete', expect.objectContaining({ status: 404 })],
    ['denied', expect.objectContaining({ status: 403 })],
    ['blank', expect.objectContaining({ status: 422 })],
    ['wrong_key', expect.objectContaining({ status: 401 })],
  ])('gets the answer of a Conjur server: %s', (step, answer) => {
    expect(answers[step]).toEqual(answer);
  });
});

describe('the manager for Conjur, with synchronous reads,', () => {
  let server: ChildProcess;
  let address = '';

  beforeAll(async () => {
    server = fork(join(__dirname, '../support/fake-conjur.process.cjs'));
    [address] = (await once(server, 'message')) as [string];
  });

  afterAll(async () => {
    server.disconnect();
    await once(server, 'exit');
  });

  const tell = async (message: object): Promise<void> => {
    server.send(message);
    await once(server, 'message');
  };

  const { account, login, apiKey } = new FakeConjur();
  const harness: ConformanceHarness = {
    caseTimeoutMs: 15_000, // for a machine that is busy with other work
    create: async () => {
      await tell({ reset: true });
      return new ConjurSecretManager({
        address,
        account,
        auth: { method: 'api-key', login, apiKey },
      });
    },
    seed: (name, value) => tell({ keep: [[name, value]] }),
    lacks: ['write', 'delete', 'recovery', 'createOnly', 'versions', 'describing', 'emptyValues'],
  };
  const isAboutIt =
    /at once(, and unchanged| for a secret that| what it answers later)|at once for a misleading/;
  const cases = secretManagerConformance(harness).filter(
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
