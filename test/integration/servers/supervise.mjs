// Runs a server for as long as whoever started it lives, so that none outlives a test run, however that ends.
// A message is a signal for the server, and is sent back when it has been delivered.
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
