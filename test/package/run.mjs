/**
 * Tries the published package in new applications. Applications with the same dependencies share an installation, and
 * all share the tools. Installations and applications run concurrently.
 */
import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const HERE = import.meta.dirname;
const ROOT = join(HERE, '../..');
/** The limit for a program, long enough for a busy machine. A program that does not end has left something behind. */
const TOO_LONG_MS = 300_000;
const NAME = 'nestjs-custom-secret-manager';

const TOOL = '../../node_modules';
const START = ['dist/main.js'];
const JEST = [`${TOOL}/jest/bin/jest.js`, '--rootDir=dist'];
const JEST_ES = ['--experimental-vm-modules', '--no-warnings', ...JEST];
const VITEST = [`${TOOL}/vitest/vitest.mjs`, 'run', '--globals', '--root=dist'];
const BUNDLES = ['src/bundle.mjs'];
const COMPILERS = ['src/compilers.mjs'];

const TEST_RUNNER = /^(@babel\/|unrs-resolver$)/;

const NODE10 = { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '5.0' };
const NODE16 = { module: 'node16', moduleResolution: 'node16' };
const NODENEXT = { module: 'nodenext', moduleResolution: 'nodenext' };
const BUNDLER = { module: 'preserve', moduleResolution: 'bundler' };

/** The tools, which are installed once in the folder above the applications. */
const TOOLS = {
  '@swc/core': '1.16.18',
  '@types/jest': '30.0.0',
  '@types/node': '20.19.43',
  esbuild: '0.28.2',
  jest: '30.5.2',
  vitest: '4.1.12',
  webpack: '5.113.0',
};
const COMMON = { 'reflect-metadata': '0.2.2', rxjs: '7.8.2' };

const INSTALLATIONS = [
  {
    title: 'Nest 11',
    source: 'with-terminus',
    dependencies: {
      ...COMMON,
      '@nestjs/common': '11.2.10',
      '@nestjs/config': '4.0.4',
      '@nestjs/core': '11.2.10',
      '@nestjs/platform-express': '11.2.10',
      '@nestjs/terminus': '11.1.1',
      '@nestjs/testing': '11.2.6',
      'class-validator': '0.14.3',
      lmdb: '3.5.6',
      typescript: '5.9.3',
    },
    applications: [
      {
        type: 'commonjs',
        checkedAs: [NODE16, BUNDLER, NODE10],
        runs: [START, JEST, BUNDLES, COMPILERS],
      },
      { type: 'module', checkedAs: [BUNDLER, NODENEXT], runs: [START, JEST_ES, VITEST, COMPILERS] },
    ],
  },
  {
    title: 'Nest 12',
    source: 'with-terminus',
    dependencies: {
      ...COMMON,
      '@nestjs/common': '12.5.1',
      '@nestjs/config': '12.0.1',
      '@nestjs/core': '12.5.1',
      '@nestjs/platform-express': '12.5.1',
      '@nestjs/terminus': '12.1.0',
      '@nestjs/testing': '12.1.1',
      'class-validator': '0.15.1',
      typescript: '6.0.3',
    },
    applications: [
      {
        type: 'module',
        checkedAs: [BUNDLER, NODENEXT],
        runs: [START, JEST_ES, VITEST, BUNDLES, COMPILERS],
      },
      { type: 'commonjs', checkedAs: [NODENEXT], runs: [START, COMPILERS] },
    ],
  },
  {
    title: 'Nest 12 without Terminus and @nestjs/config',
    source: 'without-terminus',
    dependencies: {
      ...COMMON,
      '@nestjs/common': '12.5.1',
      '@nestjs/core': '12.5.1',
      'class-validator': '0.15.1',
      typescript: '6.0.3',
    },
    applications: [
      { type: 'commonjs', checkedAs: [NODENEXT], runs: [START] },
      { type: 'module', checkedAs: [NODENEXT], runs: [START] },
    ],
  },
];

const home = mkdtempSync(join(tmpdir(), 'package-test-'));
let checks = 0;
try {
  const tarball = await pack();
  const tools = check('tools: installation', () =>
    install(TOOLS, lockedVersionsOf(TEST_RUNNER), home),
  );
  await Promise.all(INSTALLATIONS.map((installation) => tryOut(installation, tarball, tools)));
} finally {
  rmSync(home, { recursive: true, force: true });
}
console.log(`\n${checks} checks, ${process.exitCode ? 'some of them failed' : 'all passed'}`);

async function pack() {
  const output = await run(ROOT, 'npm', 'pack', '--json', '--silent', `--pack-destination=${home}`);
  const [{ filename }] = JSON.parse(output.slice(output.indexOf('[\n')));
  return join(home, filename);
}

async function tryOut({ title, source, dependencies, applications }, tarball, tools) {
  const folder = join(home, title.replace(/\W+/g, '-'));
  const installed = await check(`${title}: installation`, async () => {
    mkdirSync(folder);
    await install({ ...dependencies, [NAME]: `file:${tarball}` }, {}, folder);
    await assertBringsOnly(['undici'], folder);
  });
  if (!installed || !(await tools)) return;
  await check(`${title}: command line`, () => tryCommandLine(folder, 'lmdb' in dependencies));
  await Promise.all(
    applications.map(({ type, checkedAs, runs }) =>
      check(`${title}: ${type}`, async () => {
        const application = join(folder, type);
        cpSync(join(HERE, source), join(application, 'src'), { recursive: true });
        writeJson(application, 'package.json', { name: 'application', private: true, type });
        await compile(checkedAs, application);
        for (const args of runs) await run(application, 'node', ...args);
      }),
    ),
  );
}

/** Stores and reads a secret with the installed command. Without lmdb, the command names the missing package. */
async function tryCommandLine(folder, hasStore) {
  const store = '--path store/secrets --key-file store/secrets.key';
  const command = (rest) => `npx --no-install ${NAME} secret ${rest} ${store}`;
  if (!hasStore) {
    const explained = { code: 1, stderr: /npm install lmdb/ };
    return await assert.rejects(run(folder, 'sh', '-c', command('get API_KEY')), explained);
  }
  await run(folder, 'sh', '-c', `echo 'the value' | ${command('set API_KEY')}`);
  assert.equal(await run(folder, 'sh', '-c', command('get API_KEY')), 'the value');
  await assert.rejects(run(folder, 'sh', '-c', command('get OTHER')), { code: 1 });
}

async function check(title, holds) {
  const startedAt = performance.now();
  checks += 1;
  try {
    await holds();
    console.log(`ok      ${title} (${Math.round((performance.now() - startedAt) / 1000)} s)`);
    return true;
  } catch (error) {
    process.exitCode = 1;
    console.log(`FAILED  ${title}\n${[error.message, error.stdout, error.stderr].join('\n')}`);
    return false;
  }
}

async function install(dependencies, overrides, folder) {
  const content = { name: 'applications', private: true, dependencies, overrides };
  writeJson(folder, 'package.json', content);
  await run(folder, 'npm', 'install', '--strict-peer-deps', '--no-audit', '--no-fund');
}

/** Asserts that the package installs only these packages, besides its peers. */
async function assertBringsOnly(names, folder) {
  const tree = JSON.parse(await run(folder, 'npm', 'ls', '--omit=dev', '--all', '--json'));
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const brought = Object.entries(tree.dependencies[NAME].dependencies)
    .filter(([name, { version }]) => version !== undefined && !(name in tree.dependencies))
    .map(([name]) => name);
  assert.deepEqual(brought.sort(), names);
  assert.deepEqual(Object.keys(dependencies).sort(), names);
}

/**
 * Returns the versions in the lock file of this repository. A new release of a test runner's dependency is not under
 * test here.
 */
function lockedVersionsOf(names) {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const locked = Object.entries(packages)
    .map(([path, { version }]) => [path.replace(/^node_modules\//, ''), version])
    .filter(([name]) => names.test(name) && !name.includes('node_modules'));
  return Object.fromEntries(locked);
}

/**
 * Compiles as the last of `checkedAs`, and checks the others. Declarations and `isolatedModules` are checked, too, as
 * in a new Nest project.
 */
async function compile(checkedAs, folder) {
  for (const [index, resolution] of checkedAs.entries()) {
    writeJson(folder, 'tsconfig.json', {
      compilerOptions: {
        target: 'ES2022',
        strict: true,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        isolatedModules: true,
        useDefineForClassFields: false,
        esModuleInterop: true,
        rootDir: 'src',
        outDir: 'dist',
        noEmit: index < checkedAs.length - 1,
        skipLibCheck: false,
        types: ['node', 'jest'],
        ...resolution,
      },
      include: ['src'],
    });
    await run(folder, 'node', '../node_modules/typescript/bin/tsc');
  }
}

async function run(cwd, command, ...args) {
  const timeout = command === 'node' ? TOO_LONG_MS : undefined;
  const { stdout } = await promisify(execFile)(command, args, { cwd, timeout, maxBuffer: 1e8 });
  return stdout;
}

function writeJson(folder, file, content) {
  writeFileSync(join(folder, file), JSON.stringify(content, undefined, 2));
}
