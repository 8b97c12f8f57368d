/** @type {import('jest').Config} */
module.exports = {
  ...require('./jest.config.cjs'),
  testMatch: ['<rootDir>/test/integration/**/*.int-spec.ts'],
  maxWorkers: 1,
  testTimeout: 30_000,
};
