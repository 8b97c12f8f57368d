import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import ts from 'typescript';

const LIB = join(__dirname, '../../lib');

const FILES_ON_DISK: ReadonlySet<string> = new Set(
  readdirSync(LIB, { recursive: true, encoding: 'utf8' }),
);

export interface Import {
  /** The importing file, below lib. */
  readonly from: string;
  /** The imported file below lib, or the package. */
  readonly to: string;
  readonly isTypeOnly: boolean;
}

/** Every source file below lib, by its path from there. */
export const FILES: ReadonlyMap<string, ts.SourceFile> = new Map(
  [...FILES_ON_DISK]
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map((path) => [path, parse(path)]),
);

export const IMPORTS: readonly Import[] = [...FILES].flatMap(([from, source]) =>
  importsOf(from, source),
);

/** Returns every node that fulfils a condition, as `file:line`. */
export function placesOf(condition: (node: ts.Node) => boolean): string[] {
  return [...FILES].flatMap(([path, source]) => {
    const places: string[] = [];
    const visit = (node: ts.Node): void => {
      if (condition(node)) {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
        places.push(`${path}:${line + 1}`);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
    return places;
  });
}

function parse(path: string): ts.SourceFile {
  const text = readFileSync(join(LIB, path), 'utf8');
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
}

function importsOf(from: string, source: ts.SourceFile): Import[] {
  return source.statements.flatMap((statement) => {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return [];
    const { moduleSpecifier } = statement;
    if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)) return [];
    return [{ from, to: resolve(from, moduleSpecifier.text), isTypeOnly: isTypeOnly(statement) }];
  });
}

function resolve(from: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  const path = normalize(join(dirname(from), specifier));
  const file = [`${path}.ts`, join(path, 'index.ts')].find((candidate) =>
    FILES_ON_DISK.has(candidate),
  );
  return file ?? `missing: ${relative(LIB, path)}`;
}

function isTypeOnly(statement: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(statement)) {
    const { exportClause, isTypeOnly } = statement;
    return (
      isTypeOnly ||
      allTypes(exportClause && ts.isNamedExports(exportClause) ? exportClause.elements : undefined)
    );
  }
  const { importClause } = statement;
  if (importClause === undefined) return false;
  const bindings = importClause.namedBindings;
  const isType = importClause.phaseModifier === ts.SyntaxKind.TypeKeyword;
  return (
    isType || allTypes(bindings && ts.isNamedImports(bindings) ? bindings.elements : undefined)
  );
}

function allTypes(elements: ts.NodeArray<{ isTypeOnly: boolean } & ts.Node> | undefined): boolean {
  return (
    elements !== undefined && elements.length > 0 && elements.every((element) => element.isTypeOnly)
  );
}
