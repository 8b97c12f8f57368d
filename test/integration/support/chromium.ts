import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import puppeteer, { type Browser } from 'puppeteer-core';
import { temporaryFolder } from '../../support/temporary-folder';

/** Makes the package unpack its libraries, too, which the machine may lack. */
const WITH_LIBRARIES = { AWS_LAMBDA_JS_RUNTIME: 'nodejs22.x' };

/** The only platform that the package supports. */
export const HAS_CHROMIUM = process.platform === 'linux' && process.arch === 'x64';

/** Starts Chromium from its npm package, which needs only the C library of the machine. */
export async function startChromium(): Promise<Browser> {
  const folder = temporaryFolder();
  const script = join(__dirname, 'chromium.process.mjs');
  await promisify(execFile)(process.execPath, [script], {
    env: { ...WITH_LIBRARIES, TMPDIR: folder },
  });
  const fonts = join(folder, 'fonts.conf');
  writeFileSync(fonts, `<fontconfig><dir>${join(folder, 'fonts')}</dir></fontconfig>`);
  return await puppeteer.launch({
    executablePath: join(folder, 'chromium'),
    headless: 'shell',
    args: ['--no-sandbox'], // a container has none to offer; the page is our own
    userDataDir: join(folder, 'profile'),
    env: {
      HOME: folder,
      TMPDIR: folder,
      LD_LIBRARY_PATH: join(folder, 'al2023', 'lib'),
      FONTCONFIG_FILE: fonts,
    },
  });
}
