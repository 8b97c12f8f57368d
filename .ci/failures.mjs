/** Prints the failed tests of a run of Jest, each with its file and the first lines of its message. Fails without any. */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const LINES = 15;
const { testResults } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const reports = testResults.filter(({ status }) => status === 'failed').flatMap(reportsOf);
if (reports.length === 0) process.exit(1);
console.log(reports.join('\n'));

function reportsOf({ name, message, assertionResults }) {
  const file = relative(process.cwd(), name);
  const failed = assertionResults.filter(({ status }) => status === 'failed');
  if (failed.length === 0) return [report(file, 'the file cannot run', message)];
  return failed.map((test) => report(file, test.fullName, test.failureMessages.join('\n')));
}

function report(file, title, message) {
  const lines = message.split('\n').slice(0, LINES);
  return [`FAILED  ${file}: ${title}`, ...lines.map((line) => `        ${line}`)].join('\n');
}
