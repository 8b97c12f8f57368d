/**
 * Installs the package, as it would be published, into fresh applications: with strict peers, compiled by their own
 * TypeScript, run on their own Nest. Run it with `npm run test:package`.
 */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const HERE = import.meta.dirname;
const ROOT = join(HERE, '../..');
const TOO_LONG_MS = 20_000;
const NAME = 'nestjs-custom-secret-manager';

const COMMON = { '@types/node': '20.19.43', 'reflect-metadata': '0.2.2', rxjs: '7.8.2' };

const TEST_RUNNER = /^(@babel\/|unrs-resolver$)/;

const APPLICATIONS = [
  {
    title: 'Nest 11 with Terminus 11, CommonJS',
    source: 'with-terminus',
    type: 'commonjs',
    dependencies: {
      ...COMMON,
      '@nestjs/common': '11.2.10',
      '@nestjs/config': '4.0.4',
      '@nestjs/core': '11.2.10',
      '@nestjs/platform-express': '11.2.10',
      '@nestjs/terminus': '11.1.1',
      '@nestjs/testing': '11.2.6',
      '@types/jest': '30.0.0',
      'class-validator': '0.14.3',
      jest: '30.5.2',
      typescript: '5.9.3',
    },
    compiledAs: { module: 'commonjs', moduleResolution: 'node10' },
    alsoChecked: [
      { module: 'node16', moduleResolution: 'node16' },
      { module: 'preserve', moduleResolution: 'bundler' },
    ],
    runs: [
      ['node', 'dist/main.js'],
      ['node', 'node_modules/jest/bin/jest.js', '--rootDir=dist'],
    ],
  },
  {
    title: 'Nest 12 with Terminus 12, ESM',
    source: 'with-terminus',
    type: 'module',
    dependencies: {
      ...COMMON,
      '@nestjs/common': '12.5.1',
      '@nestjs/config': '12.0.1',
      '@nestjs/core': '12.5.1',
      '@nestjs/platform-express': '12.5.1',
      '@nestjs/terminus': '12.1.0',
      '@nestjs/testing': '12.1.1',
      '@types/jest': '30.0.0',
      'class-validator': '0.15.1',
      typescript: '6.0.3',
    },
    compiledAs: { module: 'nodenext', moduleResolution: 'nodenext' },
    alsoChecked: [{ module: 'preserve', moduleResolution: 'bundler' }],
    runs: [['node', 'dist/main.js']],
  },
  {
    title: 'Nest 12 without Terminus and @nestjs/config, CommonJS',
    source: 'without-terminus',
    type: 'commonjs',
    dependencies: {
      ...COMMON,
      '@nestjs/common': '12.5.1',
      '@nestjs/core': '12.5.1',
      'class-validator': '0.15.1',
      typescript: '6.0.3',
    },
    compiledAs: { module: 'nodenext', moduleResolution: 'nodenext' },
    alsoChecked: [],
    runs: [['node', 'dist/main.js']],
  },
];

const home = mkdtempSync(join(tmpdir(), 'package-test-'));
try {
  const tarball = pack();
  for (const application of APPLICATIONS) tryOut(application, tarball);
} finally {
  rmSync(home, { recursive: true, force: true });
}
console.log(
  `\n${APPLICATIONS.length} checks, ${process.exitCode ? 'some of them failed' : 'all passed'}`,
);

function pack() {
  const output = run(ROOT, 'npm', 'pack', '--json', '--silent', `--pack-destination=${home}`);
  const [{ filename }] = JSON.parse(output.slice(output.indexOf('[\n')));
  return join(home, filename);
}

function tryOut(application, tarball) {
  const folder = join(home, application.title.replace(/\W+/g, '-'));
  const startedAt = performance.now();
  try {
    install(application, tarball, folder);
    assertBringsOnly(['undici'], folder);
    compile(application, folder);
    for (const [command, ...args] of application.runs) run(folder, command, ...args);
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    console.log(`ok      ${application.title} (${seconds} s)`);
  } catch (error) {
    process.exitCode = 1;
    console.log(
      `FAILED  ${application.title}\n${[error.message, error.stdout, error.stderr].join('\n')}`,
    );
  }
}

function install({ source, type, dependencies }, tarball, folder) {
  mkdirSync(folder);
  cpSync(join(HERE, source), join(folder, 'src'), { recursive: true });
  const overrides = 'jest' in dependencies ? lockedVersionsOf(TEST_RUNNER) : {};
  const content = { name: 'application', private: true, type, dependencies, overrides };
  writeJson(folder, 'package.json', content);
  run(folder, 'npm', 'install', '--strict-peer-deps', '--no-audit', '--no-fund', tarball);
}

/** Beside its peers, which the application has anyway. */
function assertBringsOnly(names, folder) {
  const tree = JSON.parse(run(folder, 'npm', 'ls', '--omit=dev', '--all', '--json'));
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const brought = Object.entries(tree.dependencies[NAME].dependencies)
    .filter(([name, { version }]) => version !== undefined && !(name in tree.dependencies))
    .map(([name]) => name);
  assert.deepEqual(brought.sort(), names);
  assert.deepEqual(Object.keys(dependencies).sort(), names);
}

/** What this repository has locked: a release of the day somewhere below the test runner is not what is looked at here. */
function lockedVersionsOf(names) {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const locked = Object.entries(packages)
    .map(([path, { version }]) => [path.replace(/^node_modules\//, ''), version])
    .filter(([name]) => names.test(name) && !name.includes('node_modules'));
  return Object.fromEntries(locked);
}

/** Compiles with the checks that a library may not break: declarations are checked, too. */
function compile({ dependencies, compiledAs, alsoChecked }, folder) {
  const types = ['node', 'jest'].filter((name) => `@types/${name}` in dependencies);
  for (const resolution of [
    ...alsoChecked.map((check) => ({ ...check, noEmit: true })),
    compiledAs,
  ]) {
    writeJson(folder, 'tsconfig.json', {
      compilerOptions: {
        target: 'ES2022',
        strict: true,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        useDefineForClassFields: false,
        esModuleInterop: true,
        rootDir: 'src',
        outDir: 'dist',
        skipLibCheck: false,
        types,
        ...resolution,
      },
      include: ['src'],
    });
    run(folder, 'node', 'node_modules/typescript/bin/tsc');
  }
}

function run(cwd, command, ...args) {
  const timeout = command === 'node' ? TOO_LONG_MS : undefined; // what does not end by itself has left something behind
  return execFileSync(command, args, { cwd, timeout, encoding: 'utf8', stdio: 'pipe' });
}

function writeJson(folder, file, content) {
  writeFileSync(join(folder, file), JSON.stringify(content, undefined, 2));
}
