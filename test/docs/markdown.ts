import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(__dirname, '../..');

const IGNORED = /(^|\/)(node_modules|dist|coverage|\.[^/]+)(\/|$)|^docs\/api\//;

export interface CodeBlock {
  /** The path and the line, as `README.md:12`. */
  readonly place: string;
  readonly language: string;
  readonly code: string;
}

export interface Link {
  readonly place: string;
  readonly target: string;
}

/** Returns the paths of the files that end in `ending`, from the root of the repository. */
export function filesOf(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (IGNORED.test(path)) return [];
    if (entry.isDirectory()) return filesOf(path, ending);
    return path.endsWith(ending) ? [path] : [];
  });
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Returns the fenced blocks of a page. Throws for a fence that is not closed. */
export function codeBlocksOf(path: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of read(path).split('\n').entries()) {
    const fence = /^ *```(.*)$/.exec(line);
    if (fence === null) open?.lines.push(line);
    else if (open === undefined) open = { language: fence[1] ?? '', line: index + 1, lines: [] };
    else {
      const code = `${open.lines.join('\n')}\n`;
      blocks.push({ place: `${path}:${open.line}`, language: open.language, code });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: the fence is not closed`);
  return blocks;
}

/** Returns the lines of a page outside of its fenced blocks, with their numbers. */
export function proseOf(path: string): [number: number, line: string][] {
  let isCode = false;
  return [...read(path).split('\n').entries()].flatMap(([index, line]) => {
    const isFence = /^ *```/.test(line);
    if (isFence) isCode = !isCode;
    return isFence || isCode ? [] : [[index + 1, line] as [number, string]];
  });
}

export function linksOf(path: string): Link[] {
  return proseOf(path).flatMap(([number, line]) =>
    [...line.replace(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => ({
      place: `${path}:${number}`,
      target,
    })),
  );
}

/** Returns the anchors that GitHub gives the headings of a page. */
export function anchorsOf(path: string): string[] {
  const seen = new Map<string, number>();
  return proseOf(path).flatMap(([, line]) => {
    const heading = /^#{1,6} +(.+?) *$/.exec(line)?.[1];
    if (heading === undefined) return [];
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = text.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-');
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return [count === 0 ? slug : `${slug}-${count}`];
  });
}
