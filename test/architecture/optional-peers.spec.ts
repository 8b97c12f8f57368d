import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { FILES } from './source';

interface Manifest {
  readonly imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>;
}

const { imports, peerDependencies, peerDependenciesMeta } = JSON.parse(
  readFileSync(join(__dirname, '../../package.json'), 'utf8'),
) as Manifest;

/** The packages that Node loads through a file in lib/peers, with that file. */
const PEERS = Object.values(imports).map(({ default: name, 'node-addons': ofNode }) => {
  const path = String(Object.values(ofNode as object)[0]);
  return [String(name), path.replace('./dist/', '').replace('.mjs', '.ts')];
});

/** Returns the names of the values that lib imports from a package. */
function valuesFrom(name: string): string[] {
  const declarations = [...FILES.values()].flatMap(({ statements }) =>
    statements.filter(ts.isImportDeclaration),
  );
  const names = declarations
    .filter(
      ({ moduleSpecifier }) => ts.isStringLiteral(moduleSpecifier) && moduleSpecifier.text === name,
    )
    .flatMap(({ importClause }) => {
      const bindings = importClause?.namedBindings;
      const isType = importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
      if (isType || bindings === undefined) return [];
      if (!ts.isNamedImports(bindings))
        throw new Error(`${name} is imported by other ways than by name`);
      return bindings.elements
        .filter(({ isTypeOnly }) => !isTypeOnly)
        .map((each) => each.name.text);
    });
  return [...new Set(names)].sort();
}

function namesIn({ declarationList }: ts.VariableStatement): string[] {
  return declarationList.declarations.flatMap(({ name }) =>
    ts.isObjectBindingPattern(name) ? name.elements.map((each) => each.name.getText()) : [],
  );
}

/** Returns the names that a file of lib/peers exports. */
function exportsOf(path: string): (string | undefined)[] {
  return (FILES.get(path)?.statements ?? [])
    .flatMap((each) => {
      if (ts.isClassDeclaration(each)) return [each.name?.text];
      return ts.isVariableStatement(each) ? namesIn(each) : [];
    })
    .sort();
}

describe('an optional peer', () => {
  it.each(PEERS)(
    '%s has a file that exports everything that lib imports from it',
    (name, path = '') => {
      expect(exportsOf(path)).toEqual(valuesFrom(name));
      expect(exportsOf(path)).not.toEqual([]);
    },
  );

  it('is named by the error if it is missing', () => {
    const optional = Object.keys(peerDependencies).filter(
      (name) => peerDependenciesMeta[name]?.optional,
    );
    // a native package, which no bundle can contain, and one that only `awsKms()` needs
    const loadedBySource = ['lmdb', '@aws-sdk/client-kms'];

    expect([...PEERS.map(([name]) => name), ...loadedBySource].sort()).toEqual(optional);
  });
});
