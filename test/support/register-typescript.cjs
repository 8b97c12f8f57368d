/** Makes a test process compile TypeScript on `require`: `node -r register-typescript.cjs`. Node 20 cannot load it. */
const { createHash } = require('node:crypto');
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const OPTIONS = {
  module: { type: 'commonjs' },
  jsc: { target: 'es2022', parser: { syntax: 'typescript', decorators: true } },
};
/** Compiled files, named by their source. A process that finds them there need not load the compiler. */
const CACHE = join(tmpdir(), 'secret-manager-compiled');

mkdirSync(CACHE, { recursive: true });
require.extensions['.ts'] = (module, filename) => {
  module._compile(compiled(readFileSync(filename, 'utf8')), filename);
};

function compiled(source) {
  const digest = createHash('sha256').update(JSON.stringify(OPTIONS)).update(source).digest('hex');
  const path = join(CACHE, `${digest}.js`);
  try {
    return readFileSync(path, 'utf8');
  } catch {
    const { code } = require('@swc/core').transformSync(source, OPTIONS);
    writeFileSync(`${path}.${process.pid}`, code);
    renameSync(`${path}.${process.pid}`, path);
    return code;
  }
}
