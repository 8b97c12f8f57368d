import { secretManagerConformance } from 'nestjs-custom-secret-manager/testing';
import { NotebookSecretManager } from './notebook.secret-manager';

const secrets = new Map<string, string>();

const cases = secretManagerConformance({
  create: () => new NotebookSecretManager({ secrets }),
  seed: (name, value) => void secrets.set(name, value),
  dispose: () => secrets.clear(),
  lacks: ['recovery', 'versions'],
});

describe('NotebookSecretManager', () => {
  for (const each of cases) (each.skip ? it.skip : it)(each.title, () => each.run());
});
