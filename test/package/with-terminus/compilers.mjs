/** Compiles the typed secrets with each compiler and each form of class fields, and runs the result. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import swc from '@swc/core';
import esbuild from 'esbuild';
import ts from 'typescript';

const TOO_LONG_MS = 60_000;
const source = readFileSync('src/typed.ts', 'utf8');
const { type } = JSON.parse(readFileSync('package.json', 'utf8'));
const isModule = type === 'module';

const COMPILERS = {
  tsc: (useDefineForClassFields) =>
    ts.transpileModule(source, {
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: isModule ? ts.ModuleKind.ES2022 : ts.ModuleKind.CommonJS,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        useDefineForClassFields,
      },
    }).outputText,
  swc: (useDefineForClassFields) =>
    swc.transformSync(source, {
      module: { type: isModule ? 'es6' : 'commonjs' },
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields },
      },
    }).code,
  esbuild: (useDefineForClassFields) =>
    esbuild.transformSync(source, {
      loader: 'ts',
      format: isModule ? 'esm' : 'cjs',
      target: 'es2022',
      tsconfigRaw: { compilerOptions: { experimentalDecorators: true, useDefineForClassFields } },
    }).code,
};

for (const [compiler, compile] of Object.entries(COMPILERS)) {
  for (const useDefineForClassFields of [false, true]) {
    const file = `dist/typed-${compiler}-${useDefineForClassFields}.js`;
    writeFileSync(file, compile(useDefineForClassFields));
    const output = execFileSync('node', [file], { encoding: 'utf8', timeout: TOO_LONG_MS });
    if (!output.endsWith('done\n')) throw new Error(`${file}: ${output}`);
  }
}
