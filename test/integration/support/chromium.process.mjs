/**
 * Unpacks Chromium, with the libraries and fonts that it needs, into TMPDIR. The package looks for the place, and for what to
 * unpack, in the environment as soon as it is loaded: so it is loaded in a process of its own.
 */
import chromium from '@sparticuz/chromium';

await chromium.executablePath();
