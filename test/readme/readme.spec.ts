import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

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

  it.each(['README.md', 'sample-app/README.md'])('shows only requests that are run: %s', (file) => {
    const scripts = ['first-steps.sh', 'rotation.sh'].flatMap((script) =>
      readFileSync(join(ROOT, 'sample-app', script), 'utf8').split('\n'),
    );

    const requests = requestsIn(readFileSync(join(ROOT, file), 'utf8'));

    expect(requests.length).toBeGreaterThan(2);
    expect(scripts).toEqual(expect.arrayContaining(requests));
  });

  it('is no longer than can be read at one go', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(500);
  });

  it.each(['README.md', 'sample-app/README.md'])('links to nothing that is missing: %s', (file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path = '']) => path);

    for (const link of links)
      expect(() => readFileSync(join(ROOT, dirname(file), link))).not.toThrow(/ENOENT/);
  });
});

/** The lines of shell blocks that make a request. */
function requestsIn(text: string): string[] {
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, lines = '']) => lines);
  return blocks.flatMap((lines) => lines.split('\n')).filter((line) => line.includes('curl'));
}
