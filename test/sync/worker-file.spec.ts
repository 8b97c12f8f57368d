import { workerFile } from '../../lib/sync/worker-file';

describe('the file of a worker', () => {
  it.each([
    ['a path', '/app/node_modules/x/dist/sync/shared.js'],
    ['the address of an ES module', 'file:///app/node_modules/x/dist/sync/shared.mjs'],
    ['an address with a query', 'file:///app/node_modules/x/dist/sync/shared.mjs?t=1'],
  ])('lies beside the module, given %s', (_, module) => {
    expect(workerFile(module, 'http.worker.cjs')).toBe(
      '/app/node_modules/x/dist/sync/http.worker.cjs',
    );
  });

  it('lies beside a module in a folder with a space', () => {
    expect(workerFile('file:///my%20app/shared.mjs', 'w.cjs')).toBe('/my app/w.cjs');
  });

  it.each([undefined, 'http://localhost/bundle.mjs', 'webpack:///./shared.mjs'])(
    'is unknown in a bundle, given %p',
    (module) => {
      expect(workerFile(module, 'http.worker.cjs')).toBeUndefined();
    },
  );
});
