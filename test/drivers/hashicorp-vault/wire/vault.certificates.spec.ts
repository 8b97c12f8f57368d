import { VaultSecretManager } from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { TlsFiles } from '../../../../lib/drivers/http/tls/tls-files';
import { failureOf } from '../../../support/failure-of';

const [FIRST = '', SECOND = '', THIRD = ''] = rootCertificates.map((pem) => `${pem}\n`);

describe('the files of TLS of the manager for Vault', () => {
  let folder: string;
  let caFile: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tls-'));
    caFile = join(folder, 'ca.pem');
    writeFileSync(caFile, FIRST);
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('are read again after they were replaced or written', () => {
    const files = new TlsFiles({ caFile });
    const first = files.current();

    writeFileSync(`${caFile}.new`, SECOND);
    renameSync(`${caFile}.new`, caFile);
    const second = files.current();
    writeFileSync(caFile, THIRD);
    const third = files.current();

    expect([first.ca, second.ca, third.ca]).toEqual([FIRST, SECOND, THIRD]);
  });

  it('are the same object until their content changes', () => {
    const files = new TlsFiles({ caFile });
    const first = files.current();

    writeFileSync(caFile, FIRST);
    const second = files.current();

    expect(second).toBe(first);
  });

  it('are read again within the resolution of a modification time', () => {
    const pair = [`${FIRST}${SECOND}`, `${SECOND}${FIRST}`]; // all of the same length
    const write = (content = ''): void => {
      writeFileSync(caFile, content);
      utimesSync(caFile, 1_000, 1_000);
    };
    write(pair[0]);
    const files = new TlsFiles({ caFile });
    files.current();

    write(pair[1]);

    expect(files.current().ca).toBe(pair[1]);
  });

  it.each<[string, () => void]>([
    ['missing', () => rmSync(caFile)],
    ['empty', () => writeFileSync(caFile, '')],
    ['cut off', () => writeFileSync(caFile, SECOND.slice(0, SECOND.length / 2))],
    [
      'cut off in the second certificate',
      () => writeFileSync(caFile, SECOND + THIRD.slice(0, THIRD.length / 2)),
    ],
    ['half old and half new', () => writeFileSync(caFile, spliced(SECOND, THIRD))],
    ['no PEM', () => writeFileSync(caFile, 'no PEM')],
  ])('stay unchanged while one of them is %s', (_, breakFile) => {
    const files = new TlsFiles({ caFile });
    files.current();

    breakFile();
    const meanwhile = [files.current().ca, files.current().ca];
    writeFileSync(caFile, SECOND);

    expect(meanwhile).toEqual([FIRST, FIRST]);
    expect(files.current().ca).toBe(SECOND);
  });

  it.each<[string, () => void, string]>([
    ['missing', () => rmSync(caFile), 'MISCONFIGURED'],
    ['cut off', () => writeFileSync(caFile, FIRST.slice(0, 500)), 'UNAVAILABLE'],
  ])('that are %s before the first use fail, and are read again', async (_, breakFile, code) => {
    const files = new TlsFiles({ caFile });
    breakFile();

    const failure = await failureOf(() => files.current());
    writeFileSync(caFile, SECOND);

    expect(failure.code).toBe(code);
    expect(files.current().ca).toBe(SECOND);
  });

  it('that were missing at construction are read again', async () => {
    rmSync(caFile);
    const auth = { method: 'token', token: 's.x' } as const;
    const manager = new VaultSecretManager({
      address: 'https://127.0.0.1:1',
      auth,
      tls: { caFile },
    });

    const failure = await failureOf(() => manager.validateEnvironment());
    writeFileSync(caFile, FIRST);

    expect(failure.code).toBe('MISCONFIGURED');
    expect(() => manager.validateEnvironment()).not.toThrow();
    await manager.close();
  });

  it('may hold text between certificates', () => {
    writeFileSync(caFile, `# first\n${FIRST}\n# second\n${SECOND}`);

    expect(new TlsFiles({ caFile }).current().ca).toContain(SECOND);
  });
});

function spliced(start: string, end: string): string {
  return start.slice(0, 400) + end.slice(400);
}
