import {
  secretManagerConformance,
  type ConformanceHarness,
} from 'nestjs-custom-secret-manager/testing';
import { randomUUID } from 'node:crypto';
import { wrapped } from '../support/wrapped';
import { startSealableOpenBao, type SealableOpenBao } from './support/openbao';
import { vaultOn } from './support/vault';

const KEYS = ['CONFORMANCE_KEY', 'CONFORMANCE_ABSENT'];
const ALL = ['create', 'read', 'update', 'delete'];

/** The titles about descriptions and tags. KV 1 cannot keep them, and must refuse them. */
const DESCRIBES =
  /^describes a secret as|^leaves (?:description and|the) tags alone|^keeps description|^changes nothing in what it is given to write/;

/** The setup of a mount of one version, and the path of its secrets. */
interface Version {
  readonly kvVersion: 1 | 2;
  readonly path: (mount: string, name: string) => string;
  readonly content: (data: object) => object;
  readonly lacks: ConformanceHarness['lacks'];
}

const KV1: Version = {
  kvVersion: 1,
  path: (mount, name) => `${mount}/${name}`,
  content: (data) => data,
  lacks: ['recovery', 'createOnly', 'versions'],
};

const KV2: Version = {
  kvVersion: 2,
  path: (mount, name) => `${mount}/data/${name}`,
  content: (data) => ({ data }),
  lacks: ['recovery'], // what is deleted stays until somebody destroys it, so there is no day to tell
};

describe('the manager for Vault, on OpenBao,', () => {
  let bao: SealableOpenBao;

  beforeAll(async () => {
    bao = await startSealableOpenBao();
  });

  afterAll(() => bao.stop());

  const harness = ({ kvVersion, path, content, lacks }: Version): ConformanceHarness => {
    let mount = '';
    let token = '';
    const canaries: string[] = [];

    const hold = (name: string, data: object): Promise<unknown> => {
      const encoded = name.split('/').map(encodeURIComponent).join('/');
      return bao.expect('POST', path(mount, encoded), content(data));
    };

    const breakIt: Readonly<Record<string, () => Promise<unknown>>> = {
      unavailable: () => bao.seal(),
      denied: () => bao.changeRules(token, {}),
      unauthenticated: () => bao.revoke(token),
      throttled: () => bao.throttle(mount),
      hanging: () => bao.freeze(),
      malformed: () => Promise.all(KEYS.map((name) => hold(name, { value: 1e21 }))),
    };

    const heal = async (): Promise<void> => {
      await bao.thaw();
      await bao.unseal();
      await bao.unthrottle();
      await bao.changeRules(token, { [`${mount}/*`]: ALL });
    };

    return {
      caseTimeoutMs: 15_000, // for a machine that is busy with other work
      create: async () => {
        mount = `kv-${randomUUID()}`;
        await bao.mountKv(mount, kvVersion);
        token = await bao.tokenFor({ [`${mount}/*`]: ALL });
        canaries.splice(0, 1, token);
        return vaultOn(bao, { mount, kvVersion, auth: { method: 'token', token } });
      },
      seed: async (name, value) => {
        await hold(name, { value });
      },
      fail: async (fault) => {
        await (fault === undefined ? heal() : breakIt[fault]?.());
      },
      spoil: async (name) => {
        await hold(name, { value: 1e21 });
      },
      lacks,
      canaries,
    };
  };

  describe.each([
    ['KV 2', KV2],
    ['KV 1', KV1],
  ])('of %s,', (_, version) => {
    describe.each([
      ['bare:', harness(version)],
      ['with every policy:', wrapped(harness(version))],
    ])('%s', (__, one) => {
      const cases = secretManagerConformance(one).filter(({ skip }) => skip === undefined);
      const refused = cases.filter(({ title }) => version === KV1 && DESCRIBES.test(title));
      const kept = cases.filter((conformanceCase) => !refused.includes(conformanceCase));

      it.each(kept)('$title', async (conformanceCase) => {
        const run = conformanceCase.run();

        await expect(run).resolves.toBeUndefined();
      });

      if (refused.length === 0) return;

      it.each(refused)('is UNSUPPORTED: $title', async (conformanceCase) => {
        const run = conformanceCase.run();

        await expect(run).rejects.toMatchObject({ code: 'UNSUPPORTED' });
      });
    });
  });
});
