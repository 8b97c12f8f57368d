const { cpSync, existsSync, readdirSync, writeFileSync } = require('node:fs');
const { basename } = require('node:path');
const { dependencies, imports, peerDependencies } = require('./package.json');

const drivers = readdirSync('lib/drivers')
  .filter((name) => existsSync(`lib/drivers/${name}/index.ts`)) // the others are rooms that drivers share
  .map((name) => `drivers/${name}/index`);
/** Node loads a file of lib/peers in place of an optional peer: see `imports` of package.json. */
const peers = Object.fromEntries(
  Object.keys(imports).map((path) => [path.slice('#peer/'.length), path]),
);
const peerEntries = ['peers/aws-sdk', 'peers/aws-ssm', 'peers/terminus'];
const entries = [
  'index',
  'terminus/index',
  'testing/index',
  'sync/index',
  'live/index',
  'fleet/index',
  'driver-kit/index',
  ...drivers,
];

const isOfSync = /[\\/]lib[\\/]sync[\\/]/;
/** Typed secrets need class-validator. A driver must not load it. */
const isOfTyped = /[\\/]lib[\\/]typed[\\/]/;
/** The rooms that several drivers share, and Vault, which `vaultTransit` needs. No other entry must load them. */
const ROOMS = ['http', 'aws', 'google', 'hashicorp-vault'];
const isIn = (/** @type {string} */ room) =>
  new RegExp(`[\\\\/]lib[\\\\/]drivers[\\\\/]${room}[\\\\/]`);
const isOfRoom = isIn(`(${ROOMS.join('|')})`);

/** Workers are plain CommonJS and stay files of their own, beside both builds. */
const copyWorkers = () =>
  cpSync('lib', 'dist', { recursive: true, filter: (path) => !path.endsWith('.ts') });

/** The ES modules have the types of the CommonJS build: a class is one type, whichever way it is imported. */
const declareModules = () => {
  for (const entry of entries) {
    writeFileSync(`dist/${entry}.d.mts`, `export * from './${basename(entry)}.js';\n`);
  }
};

/**
 * Builds one file per public entry: loading a file costs more than its content. Code that several entries need is in files
 * that they share, so that no class exists twice within a build.
 *
 * @param {'cjs' | 'es'} format
 * @param {'js' | 'mjs'} extension
 * @param {() => void} writeBundle
 * @returns {import('rolldown').RolldownOptions}
 */
const build = (format, extension, writeBundle) => ({
  input: Object.fromEntries(
    [...entries, ...peerEntries].map((entry) => [entry, `lib/${entry}.ts`]),
  ),
  external: Object.keys({ ...dependencies, ...peerDependencies }),
  platform: 'node',
  tsconfig: 'tsconfig.build.json',
  optimization: { inlineConst: false }, // constants keep their names, because people read the output
  transform: format === 'es' ? { define: { __filename: 'import.meta.url' } } : {},
  output: {
    dir: 'dist',
    format,
    paths: peers,
    strict: true,
    esModule: true,
    sourcemap: true,
    entryFileNames: `[name].${extension}`,
    chunkFileNames: `[name].${extension}`,
    codeSplitting: {
      groups: [
        {
          name: 'shared',
          test: (id) => ![isOfSync, isOfTyped, isOfRoom].some((room) => room.test(id)),
          minShareCount: 2,
          priority: 10, // takes what typed secrets share with the rest
        },
        { name: 'typed/shared', test: isOfTyped, minShareCount: 2 },
        ...ROOMS.map((room, at) => ({
          name: `drivers/${room}/shared`,
          test: isIn(room),
          minShareCount: 2,
          priority: ROOMS.length - at, // takes what it shares with later rooms
        })),
        { name: 'sync/shared', test: isOfSync, priority: 9 }, // beside the worker that it starts
      ],
    },
  },
  plugins: [{ name: 'files', writeBundle }],
});

/**
 * The command line is a bundle of its own, beside a driver that it requires: as an entry of the others it would move that driver,
 * and its peer, into the file that all entries share.
 *
 * @type {import('rolldown').RolldownOptions}
 */
const commandLine = {
  input: { 'cli/program': 'lib/cli/program.ts' },
  external: /^\.\.\/drivers\//,
  makeAbsoluteExternalsRelative: false,
  platform: 'node',
  tsconfig: 'tsconfig.build.json',
  output: {
    dir: 'dist',
    format: 'cjs',
    strict: true,
    sourcemap: true,
    entryFileNames: '[name].js',
  },
};

module.exports = [build('cjs', 'js', copyWorkers), build('es', 'mjs', declareModules), commandLine];
