import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { FILES, IMPORTS, placesOf, type Import } from './source';

interface Layer {
  /** The files of the layer. */
  readonly files: RegExp;
  /** The files of lib and the packages that the layer may import. It may always import itself. */
  readonly imports: readonly RegExp[];
  /** The modules that it may import as types only. */
  readonly types?: readonly RegExp[];
}

const HOUSE = readFileSync(join(__dirname, '../../docs/architecture.md'), 'utf8');

const CORE = /^core\//;
const LOAD_PEER = /^peers\/load-peer\.ts$/;
const POLICIES = /^policies\//;
const PURE_NODE = /^node:(util|crypto|events|async_hooks)$/;
const SERVICE = /^service\//;
const TYPED = /^typed\//;
const TOKENS = /^secret-manager\.tokens\.ts$/;

const LAYERS: Readonly<Record<string, Layer>> = {
  core: { files: CORE, imports: [PURE_NODE] },
  policies: { files: POLICIES, imports: [CORE, PURE_NODE] },
  drivers: {
    files: /^drivers\//,
    imports: [CORE, /^sync\//, /^files\//, LOAD_PEER, /^node:/, /^undici$/, /^@aws-sdk\//],
  },
  fleet: {
    files: /^fleet\/(?!transports\/)/,
    imports: [CORE, /^fleet\//, PURE_NODE],
    types: [POLICIES],
  },
  'the transports of a fleet': {
    files: /^fleet\/transports\//,
    imports: [/^core\/(errors\/|calls\/waiting\.ts$)/, PURE_NODE],
    types: [/^fleet\/fleet-transport\.ts$/],
  },
  'the driver kit': { files: /^driver-kit\//, imports: [CORE] },
  live: {
    files: /^live\//,
    imports: [CORE, TOKENS, PURE_NODE, /^@nestjs\/(common|core)$/],
    types: [/^service\/(start\/lifecycle|secrets\.service)\.ts$/, TYPED],
  },
  peers: {
    files: /^peers\//,
    imports: [CORE, /^node:(module|path)$/],
    types: [/^@(aws-sdk|nestjs)\//],
  },
  files: { files: /^files\//, imports: [CORE, /^node:fs/] },
  sync: { files: /^sync\//, imports: [CORE, /^node:/, /^undici$/] },
  cli: { files: /^cli\//, imports: [CORE, /^drivers\/encrypted-file\/index\.ts$/, /^node:/] },
  typed: {
    files: TYPED,
    imports: [CORE, PURE_NODE, /^class-validator$/],
    types: [POLICIES, SERVICE, /^secret-manager\.options\.ts$/],
  },
  testing: {
    files: /^testing\//,
    imports: [CORE, TYPED, /^node:(assert|util|crypto)/],
    types: [/^fleet\//],
  },
  terminus: {
    files: /^terminus\//,
    imports: [CORE, TOKENS, /^@nestjs\/(common|core|terminus)$/],
    types: [/^service\/secrets\.service\.ts$/],
  },
  service: {
    files: SERVICE,
    imports: [CORE, POLICIES, PURE_NODE, /^@nestjs\/common$/],
    types: [/^secret-manager\.(options|settings)\.ts$/],
  },
  'virtual keys': {
    files: /^virtual-keys\//,
    imports: [CORE, POLICIES, SERVICE, PURE_NODE, /^@nestjs\/common$/],
    types: [/^secret-manager\.(options|settings)\.ts$/],
  },
  'the module': {
    files: /^(module\/)?[^/]+\.ts$/,
    imports: [
      ...[CORE, POLICIES, SERVICE, TYPED, /^virtual-keys\//, PURE_NODE],
      ...[/^fleet\/(fleet-options|engine\/fleet)\.ts$/],
      ...[/^@nestjs\/(common|core)$/, /^class-validator$/],
    ],
  },
};

/** The folders of `drivers` that every driver may import. They are no drivers, and not public. */
const SHARED_ROOMS = ['aws', 'google', 'http'];

/** The only imports from one driver to another. The transit engine needs the login and the wire of Vault. */
const PERMITTED_CROSSINGS: readonly (readonly [from: RegExp, to: RegExp])[] = [
  [/^drivers\/decrypting\/vault-transit\//, /^drivers\/hashicorp-vault\/(options|wire|session)\//],
];

/** The rooms of a folder. Each may import only earlier ones. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  core: ['errors', 'time', 'contract', 'validation', 'calls'],
  service: ['reading', 'changes', 'writing', 'start'],
  'drivers/http': ['options', 'tls', 'wire', 'login'],
  'drivers/google': ['errors', 'credentials', 'login'],
  'drivers/hashicorp-vault': ['options', 'wire', 'login', 'session', 'engines'],
  'drivers/aws-secrets-manager': ['sdk', 'reads', 'writes'],
  'drivers/aws-parameter-store': ['options', 'sdk', 'reads', 'writes'],
  'drivers/google-secret-manager': ['options', 'api', 'reads', 'writes'],
  'drivers/azure-key-vault': ['options', 'login', 'wire', 'vault'],
  'drivers/decrypting': ['ciphers', 'aws-kms', 'vault-transit', 'google-kms'],
  'drivers/encrypted-file': ['pages', 'files', 'lmdb', 'keys', 'seals', 'legacy', 'store'],
};

function isPermitted({ to, isTypeOnly }: Import, { files, imports, types = [] }: Layer): boolean {
  const permitted = isTypeOnly ? [files, ...imports, ...types] : [files, ...imports];
  return permitted.some((pattern) => pattern.test(to));
}

describe('the layers', () => {
  it.each(Object.entries(LAYERS))('of %s import only what they may', (_, layer) => {
    const imports = IMPORTS.filter(({ from }) => layer.files.test(from));

    const violations = imports.filter((one) => !isPermitted(one, layer));

    expect(violations.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });

  it.each(Object.entries(ROOMS))(
    'the rooms of %s import only from earlier ones',
    (folder, rooms) => {
      const roomOf = (path: string): number =>
        rooms.findIndex((room) => path.startsWith(`${folder}/${room}/`));

      const within = IMPORTS.filter(
        ({ from }) => from.startsWith(`${folder}/`) && roomOf(from) >= 0,
      );
      const outward = within.filter(
        ({ from, to }) =>
          to.startsWith(`${folder}/`) && (roomOf(to) < 0 || roomOf(to) > roomOf(from)),
      );

      expect(outward.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
      expect(new Set(within.map(({ from }) => roomOf(from))).size).toBe(rooms.length);
    },
  );

  it.each(Object.entries(ROOMS))(
    'the page about the house names the rooms of %s',
    (folder, rooms) => {
      const quoted = (names: readonly string[]): string =>
        names.map((name) => `\`${name}\``).join(', ');

      expect(HOUSE.replace(/ +\|/g, ' |')).toContain(`| ${quoted([folder])} | ${quoted(rooms)} |`);
    },
  );

  it('hold every file in exactly one layer', () => {
    const homes = [...FILES.keys()].map((path) => [
      path,
      Object.values(LAYERS).filter(({ files }) => files.test(path)).length,
    ]);

    expect(homes.filter(([, count]) => count !== 1)).toEqual([]);
    expect(FILES.size).toBeGreaterThan(30);
    expect(IMPORTS.length).toBeGreaterThan(100);
  });

  it('let a driver import no other driver, and a shared room no driver', () => {
    const folder = (path: string): string => /^drivers\/([^/]+)/.exec(path)?.[1] ?? '';

    const crossing = IMPORTS.filter(
      ({ from, to }) => folder(from) && folder(to) && folder(from) !== folder(to),
    );

    const isPermittedCrossing = ({ from, to }: Import): boolean =>
      PERMITTED_CROSSINGS.some(([ofFrom, ofTo]) => ofFrom.test(from) && ofTo.test(to));
    const ofDrivers = crossing.filter(({ to }) => !SHARED_ROOMS.includes(folder(to)));
    expect(ofDrivers.filter((one) => !isPermittedCrossing(one))).toEqual([]);
    expect(ofDrivers.some(isPermittedCrossing)).toBe(true);
  });

  it('keep the shared rooms of drivers private, and free of every SDK', () => {
    const isOfRoom = (path: string): boolean =>
      SHARED_ROOMS.some((room) => path.startsWith(`drivers/${room}/`));

    const entries = [...FILES.keys()].filter((path) => isOfRoom(path) && path.includes('index'));
    const sdks = IMPORTS.filter(({ from, to }) => isOfRoom(from) && to.startsWith('@'));

    expect([...entries, ...sdks]).toEqual([]);
  });

  it('do not import the command line', () => {
    const inside = IMPORTS.filter(
      ({ from, to }) => to.startsWith('cli/') && !from.startsWith('cli/'),
    );

    expect(inside).toEqual([]);
  });

  it('have no import cycle, not even of types', () => {
    const circles = [...FILES.keys()].filter((path) => reachable(path, IMPORTS).has(path));

    expect(circles).toEqual([]);
  });

  it('name only existing files', () => {
    expect(IMPORTS.filter(({ to }) => to.startsWith('missing'))).toEqual([]);
  });

  it('reach an optional peer through a sub-path only', () => {
    const reached = [...reachable('index.ts')];

    expect(reached.filter((path) => /^(terminus|testing|sync|drivers)\//.test(path))).toEqual([]);
    expect(reached.filter((path) => /terminus|aws|undici/.test(path))).toEqual([]);
  });
});

const LOADING: readonly Import[] = IMPORTS.filter(({ isTypeOnly }) => !isTypeOnly);

/** Returns the files that a file imports, directly or indirectly. */
function reachable(start: string, imports: readonly Import[] = LOADING): Set<string> {
  const reached = new Set<string>();
  const pending = [start];
  for (const path of pending) {
    for (const { from, to } of imports) {
      if (from !== path || reached.has(to)) continue;
      reached.add(to);
      pending.push(to);
    }
  }
  return reached;
}

describe('the source', () => {
  it('has no static state', () => {
    const isStaticState = (node: ts.Node): boolean =>
      (ts.isPropertyDeclaration(node) || ts.isClassStaticBlockDeclaration(node)) &&
      (ts.isClassStaticBlockDeclaration(node) || hasModifier(node, ts.SyntaxKind.StaticKeyword));

    expect(placesOf(isStaticState)).toEqual([]);
  });

  it('has no module-level state except the worker of a plain function', () => {
    const files = placesOf(isModuleState).map((place) => place.split(':')[0]);

    expect(files).toEqual(['sync/request-sync.ts']);
  });

  it('ends no process, and loads only optional peers at run time', () => {
    const isForbidden = (node: ts.Node): boolean =>
      ts.isCallExpression(node) &&
      ((/^process\.(exit|abort|kill)$/.test(node.expression.getText()) && !asksOnly(node)) ||
        node.expression.kind === ts.SyntaxKind.ImportKeyword ||
        /^(require|createRequire)$/.test(node.expression.getText()));

    const files = placesOf(isForbidden).map((place) => place.split(':')[0]);

    expect([...new Set(files)]).toEqual(['peers/load-peer.ts']);
  });

  it('writes no environment variable', () => {
    const isWrite = (node: ts.Node): boolean =>
      ts.isBinaryExpression(node) &&
      node.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
      node.left.getText().startsWith('process.env');

    expect(placesOf(isWrite)).toEqual([]);
  });

  it('uses neither `any` nor the non-null assertion', () => {
    const isLoose = (node: ts.Node): boolean =>
      node.kind === ts.SyntaxKind.AnyKeyword || node.kind === ts.SyntaxKind.NonNullExpression;

    expect(placesOf(isLoose)).toEqual([]);
  });

  it('has no default export and no enum', () => {
    const isOther = (node: ts.Node): boolean =>
      ts.isExportAssignment(node) ||
      ts.isEnumDeclaration(node) ||
      hasModifier(node, ts.SyntaxKind.DefaultKeyword);

    expect(placesOf(isOther)).toEqual([]);
  });

  it('has no file of more than 260 lines, and no folder of more than 13 files', () => {
    const isLong = (source: ts.SourceFile): boolean => source.getLineStarts().length > 261;
    const files = [...FILES.keys()];
    const filesIn = (folder: string): number =>
      files.filter((path) => dirname(path) === folder).length;

    expect([...FILES].filter(([, source]) => isLong(source)).map(([path]) => path)).toEqual([]);
    expect(files.map(dirname).filter((folder) => filesIn(folder) > 13)).toEqual([]);
  });

  it('does not wait by timers that fake timers cannot control', () => {
    const isUnreachable = ({ to }: Import): boolean => /^(node:)?timers/.test(to);
    const isSignalTimeout = (node: ts.Node): boolean =>
      ts.isPropertyAccessExpression(node) && node.getText() === 'AbortSignal.timeout';

    expect(IMPORTS.filter(isUnreachable)).toEqual([]);
    expect(placesOf(isSignalTimeout)).toEqual([]);
  });
});

/** Tells whether a call sends the signal 0, which only checks that a process exists. */
function asksOnly({ arguments: [, signal] }: ts.CallExpression): boolean {
  return signal?.getText() === '0';
}

function hasModifier(node: ts.Node, kind: ts.SyntaxKind): boolean {
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node) ?? []).some((modifier) => modifier.kind === kind)
  );
}

/** Tells whether a node is a module variable that can be assigned, or holds a mutable collection. */
function isModuleState(node: ts.Node): boolean {
  if (!ts.isVariableStatement(node) || !ts.isSourceFile(node.parent)) return false;
  if ((node.declarationList.flags & ts.NodeFlags.Const) === 0) return true;
  return node.declarationList.declarations.some(({ type, initializer }) => {
    const isCollection = initializer !== undefined && ts.isNewExpression(initializer);
    return isCollection && !/^Readonly(Map|Set|Array)\b/.test(type?.getText() ?? '');
  });
}
