#!/usr/bin/env node
// Plain CommonJS, to load `program` inside `try`: a missing optional peer then ends in one line.
'use strict';
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

/** @param {string} message */
const fail = (message) => {
  process.stderr.write(`Error: ${message}\n`);
  process.exitCode = 1;
};

// The command reports a failed write by itself. Without a listener, the process would end with a stack.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

try {
  const { runProgram } = require('./program');
  const { version } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8'));
  const { stdin, stdout, stderr, env } = process;
  runProgram(process.argv.slice(2), { stdin, stdout, stderr, env, version }).then(
    (code) => (process.exitCode = code),
    () => fail('The command failed.'),
  );
} catch (thrown) {
  fail(thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : 'The command failed.');
}
