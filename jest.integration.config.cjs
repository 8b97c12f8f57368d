/** @type {import('jest').Config} */
module.exports = {
  ...require('./jest.config.cjs'),
  testMatch: ['<rootDir>/test/integration/**/*.int-spec.ts'],
  maxWorkers: 2, // a test waits most of its time
  forceExit: true, // a server that a failed test left running would keep Jest waiting
  testTimeout: 30_000,
};
