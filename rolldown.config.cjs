const { cpSync, readdirSync } = require('node:fs');
const { dependencies, peerDependencies } = require('./package.json');

const drivers = readdirSync('lib/drivers').map((name) => `drivers/${name}/index`);
const entries = ['index', 'terminus/index', 'testing/index', 'sync/index', ...drivers];

const isOfSync = /[\\/]lib[\\/]sync[\\/]/;
const copyWorkers = () =>
  cpSync('lib', 'dist', { recursive: true, filter: (path) => !path.endsWith('.ts') });

/**
 * One file per public entry: to load a file costs more than what is in it. What several entries need is in files that they
 * share, so that no class exists twice.
 *
 * @type {import('rolldown').RolldownOptions}
 */
module.exports = {
  input: Object.fromEntries(entries.map((entry) => [entry, `lib/${entry}.ts`])),
  external: Object.keys({ ...dependencies, ...peerDependencies }),
  platform: 'node',
  tsconfig: 'tsconfig.build.json',
  optimization: { inlineConst: false }, // constants keep their names, because people read the output
  output: {
    dir: 'dist',
    format: 'cjs',
    strict: true,
    esModule: true,
    sourcemap: true,
    chunkFileNames: '[name].js',
    codeSplitting: {
      groups: [
        { name: 'shared', test: (id) => !isOfSync.test(id), minShareCount: 2 },
        { name: 'sync/shared', test: isOfSync }, // in the folder of the worker, found by `__dirname`
      ],
    },
  },
  // workers are plain CommonJS, and stay files of their own
  plugins: [{ name: 'workers', writeBundle: copyWorkers }],
};
