import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SCRIPT = join(__dirname, '../load/gateway.mjs');

describe('npm run gateway:load', () => {
  it('shows in a short flood that customers are not affected', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, '4', '300']);

    const rows = stdout.trim().split('\n');
    expect(rows.filter((row) => !row.startsWith('ok '))).toEqual([]);
    expect(stdout).toMatch(/\/key\/generate +100 of 100/);
    expect(stdout).toMatch(/served in the outage after it +80 of 80/);
  }, 120_000);
});
