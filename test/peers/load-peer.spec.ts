import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPeer } from '../../lib/peers/load-peer';
import { everythingOf } from '../support/failure-of';

const CANARY = 'canary-of-a-package';

function failureOf(load: () => unknown): unknown {
  try {
    return load();
  } catch (thrown) {
    return thrown;
  }
}

describe('loadPeer', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'peer-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('returns what an installed package exports', () => {
    const { Subject } = loadPeer<{ Subject: unknown }>('rxjs', 'A test');

    expect(Subject).toEqual(expect.any(Function));
  });

  it('throws MISCONFIGURED with the command that installs a missing package', () => {
    const error = failureOf(() => loadPeer('@missing/package', 'A driver'));

    expect(error).toMatchObject({
      code: 'MISCONFIGURED',
      message:
        'A driver needs the package @missing/package. Install it: npm install @missing/package',
    });
  });

  it.each([
    ['throws', `throw new Error('${CANARY}')`],
    ['lacks one of its own dependencies', `require('@missing/${CANARY}')`],
    ['is no JavaScript', `${CANARY} is {`],
  ])(
    'throws MISCONFIGURED for an installed package that %s, and quotes nothing of it',
    (_, code) => {
      const path = join(folder, 'broken.cjs');
      writeFileSync(path, code);

      const error = failureOf(() => loadPeer(path, 'A driver'));

      expect(error).toMatchObject({
        code: 'MISCONFIGURED',
        message: expect.stringMatching(/cannot be loaded\. Install it again/) as string,
      });
      expect(everythingOf(error)).not.toContain(CANARY);
    },
  );
});
