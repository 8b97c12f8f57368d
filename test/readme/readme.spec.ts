import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
const SOURCES = ['test/readme', 'sample-app/src', 'test/integration'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && file !== 'readme.spec.ts')
    .map((file) => readFileSync(join(ROOT, folder, file), 'utf8')),
);

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);

/** A block may show a part of a file: its lines are compared without the indentation that they share. */
function flattened(code: string): string {
  return code.replace(/^\s+/gm, '');
}

describe('The README', () => {
  it('has code to compare', () => {
    expect(blocks.length).toBeGreaterThan(4);
  });

  it.each(blocks)('shows only code that is run: %#', (block) => {
    const parts = flattened(block)
      .split(/^\/\/ \.\.\.\n/m)
      .filter((part) => part !== '');

    for (const part of parts) {
      expect(SOURCES.some((source) => flattened(source).includes(part))).toBe(true);
    }
  });

  it('shows only requests that are run', () => {
    const steps = readFileSync(join(ROOT, 'sample-app/first-steps.sh'), 'utf8').split('\n');
    const blocks = [...readme.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, lines = '']) => lines);

    const requests = blocks
      .flatMap((lines) => lines.split('\n'))
      .filter((line) => line.includes('curl'));

    expect(steps).toEqual(expect.arrayContaining(requests));
  });

  it('is no longer than can be read at one go', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(500);
  });

  it('links to nothing that is not there', () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path = '']) => path);

    for (const link of links) expect(() => readFileSync(join(ROOT, link))).not.toThrow(/ENOENT/);
  });
});
