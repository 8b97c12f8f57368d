import { ConfigService } from '@nestjs/config';
import {
  secretManagerConformance,
  type ConformanceHarness,
} from 'nestjs-custom-secret-manager/testing';
import { randomUUID } from 'node:crypto';
import { TeamSecretManager } from '../../sample-app/src/team.secret-manager';
import { startSealableOpenBao, type SealableOpenBao } from './support/openbao';

describe('the manager of the team, on OpenBao,', () => {
  let bao: SealableOpenBao;
  let mount: string;
  let token: string;

  beforeAll(async () => {
    bao = await startSealableOpenBao();
  });

  afterAll(() => bao.stop());

  const breakIt: Readonly<Record<string, () => Promise<unknown>>> = {
    unavailable: () => bao.seal(),
    denied: () => bao.changeRules(token, {}),
    unauthenticated: () => bao.revoke(token),
    throttled: () => bao.throttle(mount),
    hanging: () => bao.freeze(),
    malformed: () =>
      Promise.all(
        ['CONFORMANCE_KEY', 'CONFORMANCE_ABSENT'].map((name) =>
          bao.expect('POST', `${mount}/data/${name}`, { data: { another: 'form' } }),
        ),
      ),
  };

  const heal = async (): Promise<void> => {
    await bao.thaw();
    await bao.unseal();
    await bao.unthrottle();
    await bao.changeRules(token, { [`${mount}/*`]: ['create', 'read', 'update', 'delete'] });
  };

  const harness: ConformanceHarness = {
    caseTimeoutMs: 15_000, // for a machine that is busy with other work
    create: async () => {
      mount = `kv-${randomUUID()}`;
      await bao.expect('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version: '2' } });
      token = await bao.tokenFor({ [`${mount}/*`]: ['create', 'read', 'update', 'delete'] });
      const config = { STORE_ADDR: bao.address, STORE_TOKEN: token, STORE_MOUNT: mount };
      return new TeamSecretManager(new ConfigService(config));
    },
    seed: (name, value) => bao.put(name, value, mount),
    fail: (fault) => (fault === undefined ? heal() : breakIt[fault]?.()) as Promise<void>,
    spoil: async (name) => {
      await bao.expect('POST', `${mount}/data/${name}`, { data: { another: 'form' } });
    },
    lacks: ['recovery'],
  };

  const cases = secretManagerConformance(harness).filter(({ skip }) => skip === undefined);

  it.each(cases)('$title', async (conformanceCase) => {
    const run = conformanceCase.run();

    await expect(run).resolves.toBeUndefined();
  });
});
