import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { ROOT, anchorsOf, codeBlocksOf, filesOf, linksOf, read } from './markdown';

const COLUMNS = 120;
const LANGUAGES = ['ini', 'ts', 'js', 'sh', 'json', 'yaml', 'text', 'mermaid'];

/** The example driver of CONTRIBUTING.md. */
const EXAMPLE_DRIVER = 'lib/drivers/json-file/';

const PAGES = filesOf('', '.md');
const SOURCES = ['test/readme', 'test/docs', 'test/integration', 'sample-app/src']
  .flatMap((folder) => filesOf(folder, '.ts'))
  .filter((path) => path !== 'test/docs/markdown.spec.ts')
  .map((path) => flattened(read(path)));
const PROGRAMS = filesOf('test/readme', '.cjs').map(read);
const REQUESTS = filesOf('sample-app', '.sh').map(read).join('');
/** The request of the quick start. `test/readme/examples.spec.ts` sends it. */
const QUICK_START = 'curl http://127.0.0.1:3000/models';
const BLOCKS = PAGES.flatMap(codeBlocksOf);

/** Removes the indentation, because a block may show a part of a file. */
function flattened(code: string): string {
  return code.replace(/^\s+/gm, '');
}

/** Returns the parts of a block. A comment of three dots stands for an omitted part. */
function partsOf(code: string): string[] {
  return flattened(code)
    .split(/^\/\/ \.\.\.\n/m)
    .filter((part) => part !== '');
}

function blocksIn(language: string): [place: string, code: string][] {
  return BLOCKS.filter((block) => block.language === language).map(({ place, code }) => [
    place,
    code,
  ]);
}

function scripts(): string[] {
  return Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts);
}

/** Returns the problem of a relative link, if there is one. */
function problemOf(page: string, target: string): string | undefined {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : normalize(join(dirname(page), path));
  if (!existsSync(join(ROOT, file))) return 'no such file';
  if (anchor === undefined) return undefined;
  return anchorsOf(file).includes(anchor) ? undefined : 'no such heading';
}

describe('The Markdown files', () => {
  it('are found with their code blocks', () => {
    expect(PAGES).toEqual(expect.arrayContaining(['README.md', 'docs/architecture.md']));
    expect(blocksIn('ts').length).toBeGreaterThan(20);
  });

  it.each(blocksIn('ts'))('show only TypeScript that a test compiles (%s)', (_, code) => {
    const unknown = partsOf(code).filter((part) => !SOURCES.some((file) => file.includes(part)));

    expect(unknown).toEqual([]);
  });

  it.each(blocksIn('js'))('show only JavaScript that a test runs (%s)', (_, code) => {
    expect(PROGRAMS).toContain(code);
  });

  it('show only requests that a test sends', () => {
    const known = [...REQUESTS.split('\n'), QUICK_START];

    const unknown = blocksIn('sh').flatMap(([place, code]) =>
      code
        .replace(/ \\\n */g, ' ')
        .split('\n')
        .filter((line) => /\bcurl\b/.test(line) && !known.includes(line))
        .map((line) => `${place}: ${line}`),
    );

    expect(unknown).toEqual([]);
  });

  it('name only npm scripts that exist', () => {
    const named = PAGES.filter((page) => page !== 'CHANGELOG.md').flatMap((page) =>
      [...read(page).matchAll(/\bnpm run (?:--silent )?([\w:-]+)/g)].map(([, script]) => script),
    );

    expect(scripts()).toEqual(expect.arrayContaining([...new Set(named)]));
  });

  it('hold JSON that can be parsed', () => {
    for (const [place, code] of blocksIn('json')) {
      expect(() => [place, JSON.parse(code) as unknown]).not.toThrow();
    }
  });

  it('name the language of each block', () => {
    const others = BLOCKS.filter(({ language }) => !LANGUAGES.includes(language));

    expect(others.map(({ place }) => place)).toEqual([]);
  });

  it('link only to files and headings that exist', () => {
    const broken = PAGES.flatMap((page) =>
      linksOf(page)
        .filter(({ target }) => !/^(https?|mailto):/.test(target))
        .flatMap(({ place, target }) => {
          const problem = problemOf(page, target);
          return problem === undefined ? [] : [`${place}: ${target}: ${problem}`];
        }),
    );

    expect(broken).toEqual([]);
  });

  it(`have no line of more than ${COLUMNS} columns`, () => {
    const long = PAGES.flatMap((page) =>
      read(page)
        .split('\n')
        .flatMap((line, index) => (line.length > COLUMNS ? [`${page}:${index + 1}`] : [])),
    );

    expect(long).toEqual([]);
  });

  it('name only files of lib that exist', () => {
    const missing = PAGES.flatMap((page) =>
      [...read(page).matchAll(/`(lib\/[\w./-]+)`/g)]
        .map(([, path = '']) => path)
        .filter((path) => !path.startsWith(EXAMPLE_DRIVER) && !existsSync(join(ROOT, path)))
        .map((path) => `${page}: ${path}`),
    );

    expect(missing).toEqual([]);
  });

  it('name only functions and tables that exist in the named file', () => {
    const rows = read('docs/architecture.md').matchAll(/\| ([^|]*) in `(lib\/[^`]+)` *\|/g);

    const named = [...rows].flatMap(([, names = '', path = '']) =>
      [...names.matchAll(/`(?:\w+\.)?(\w+)`/g)].map(([, name = '']) => [name, path] as const),
    );

    expect(named.length).toBeGreaterThan(5);
    expect(named.filter(([name, path]) => !read(path).includes(name))).toEqual([]);
  });
});

describe('The README', () => {
  it('has at most 200 lines', () => {
    expect(read('README.md').split('\n').length).toBeLessThanOrEqual(201); // the last one is empty
  });

  it('leads to every page of the docs', () => {
    const reached = new Set<string>(['README.md']);
    for (const page of reached) {
      for (const { target } of linksOf(page)) {
        const path = normalize(join(dirname(page), target.split('#')[0] ?? ''));
        if (path.endsWith('.md') && existsSync(join(ROOT, path))) reached.add(path);
      }
    }

    expect(PAGES.filter((page) => !reached.has(page))).toEqual([]);
  });
});
