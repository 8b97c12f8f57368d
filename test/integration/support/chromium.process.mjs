/**
 * Unpacks Chromium, with its libraries and fonts, into TMPDIR. The package reads the environment when it is loaded, so
 * it is loaded in its own process.
 */
import chromium from '@sparticuz/chromium';

await chromium.executablePath();
