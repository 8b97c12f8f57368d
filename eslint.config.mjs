// @ts-check
import js from '@eslint/js';
import jest from 'eslint-plugin-jest';
import n from 'eslint-plugin-n';
import { defineConfig, globalIgnores } from 'eslint/config';
import globals from 'globals';
import tseslint from 'typescript-eslint';
import prettier from 'eslint-config-prettier';
import docComments from './eslint.doc-comments.mjs';

export default defineConfig([
  globalIgnores(['**/dist/', 'docs/api/', 'coverage/', '.cache/']),
  js.configs.recommended,
  { languageOptions: { globals: globals.node } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // Nest needs the value import: `import type` erases design:paramtypes
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      // `ttl: number = 1` must keep its annotation: design:type is what class-transformer converts by
      '@typescript-eslint/no-inferrable-types': ['error', { ignoreProperties: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // an `async` method that awaits nothing still turns what it throws into a rejection
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['sample-app/src/status/page/*.js'],
    languageOptions: { globals: globals.browser },
  },
  {
    files: ['lib/**/*.ts'],
    extends: [n.configs['flat/recommended']],
    rules: {
      'n/no-process-exit': 'error',
      'n/no-missing-import': 'off', // TypeScript checks it
      'no-console': 'error',
    },
  },
  {
    files: ['lib/**/*.{ts,cjs}'],
    plugins: { 'doc-comments': docComments },
    rules: { 'doc-comments/first-word': 'error' },
  },
  {
    files: ['test/**/*.ts'],
    extends: [jest.configs['flat/recommended'], jest.configs['flat/style']],
    rules: {
      'jest/expect-expect': ['error', { assertFunctionNames: ['expect', 'request.**.expect'] }],
      // an expectation is often set up before time goes on, and awaited after; no-floating-promises sees to the rest
      'jest/valid-expect': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
  prettier,
]);
