// Runs a server until the parent process ends, so that none outlives a test run.
// A message is a signal for the server. It is sent back after its delivery.
import { spawn } from 'node:child_process';

const [command, ...args] = process.argv.slice(2);
const server = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
server.on('error', ({ message }) => {
  console.error(message);
  process.exit(1);
});
server.on('exit', (code) => process.exit(code ?? 1));
process.on('message', (signal) => {
  server.kill(signal);
  process.send(signal);
});
process.on('disconnect', () => server.kill('SIGKILL'));
