/** Bundles the whole application with webpack and with esbuild, and runs both bundles. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import esbuild from 'esbuild';
import webpack from 'webpack';

const TOO_LONG_MS = 20_000;
const entry = `${process.cwd()}/dist/bundled.js`;
const { type } = JSON.parse(readFileSync('package.json', 'utf8'));
/** The packages that Nest loads only if they are installed. */
const OPTIONAL =
  /^(@nestjs\/(microservices|websockets|platform-express|platform-fastify)|class-transformer|@fastify\/|fastify|@aws-sdk\/)/;

await promisify(webpack)({
  mode: 'production',
  target: 'node20',
  entry,
  output: { path: `${process.cwd()}/bundles`, filename: 'webpack.cjs' },
  optimization: { minimize: false },
  externals: [
    ({ request }, done) => (OPTIONAL.test(request) ? done(null, `commonjs ${request}`) : done()),
  ],
}).then((stats) => {
  if (stats.hasErrors()) throw new Error(stats.toString({ all: false, errors: true }));
});

await esbuild.build({
  entryPoints: [entry],
  bundle: true,
  platform: 'node',
  format: 'cjs',
  minify: true,
  keepNames: true,
  outfile: 'bundles/esbuild.cjs',
  logLevel: 'error',
  plugins: [
    {
      name: 'optional',
      setup: (build) =>
        build.onResolve({ filter: OPTIONAL }, ({ path }) => ({ path, external: true })),
    },
  ],
});

for (const bundle of ['webpack', 'esbuild']) {
  const output = execFileSync('node', [`bundles/${bundle}.cjs`], {
    encoding: 'utf8',
    timeout: TOO_LONG_MS,
  });
  if (!output.endsWith('done\n')) throw new Error(`${bundle} (${type}): ${output}`);
}

/** The error of a bundler, which resolves the package and names it if it is missing. */
const missing = /@aws-sdk\/client-secrets-manager/;
const driver = 'nestjs-custom-secret-manager/drivers/aws-secrets-manager';
await assert.rejects(
  esbuild.build({
    stdin: { contents: `import '${driver}'`, resolveDir: process.cwd() },
    bundle: true,
    platform: 'node',
    write: false,
    logLevel: 'silent',
  }),
  missing,
);
const stats = await promisify(webpack)({
  mode: 'production',
  target: 'node20',
  context: process.cwd(),
  entry: driver,
  output: { path: `${process.cwd()}/bundles`, filename: 'missing.cjs' },
});
assert.match(stats.toString({ all: false, errors: true }), missing);
