import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type Page, type Viewport } from 'puppeteer-core';
import { FakeProvider } from '../support/fake-provider';
import { ECHO, hello, modelEntry, modelsFile } from '../support/gateway';
import { removeTemporaryFolders } from '../support/temporary-folder';
import { HAS_CHROMIUM, startChromium } from './support/chromium';
import { eventually } from './support/eventually';
import { encryptedFile, type GatewayStore } from './support/gateway-stores';
import { SampleProcess } from './support/sample-process';

const SCREENSHOTS = join(__dirname, '../../.cache/screenshots');
const MASTER_KEY = 'sk-canary-of-the-master-key-5e0b';
const HOSTILE = '<img src=x onerror="document.title=1"><b>bold';
const LONG = `TEAM_${'WITH_A_LONG_NAME_'.repeat(8)}KEY`;
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 740, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

const describeHere = HAS_CHROMIUM ? describe : describe.skip;

describeHere('the status page in a browser', () => {
  let store: GatewayStore;
  let provider: FakeProvider;
  let gateway: SampleProcess;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    mkdirSync(SCREENSHOTS, { recursive: true });
    browser = await startChromium();
  }, 60_000);

  afterAll(async () => {
    await browser.close();
    removeTemporaryFolders();
  });

  beforeEach(async () => {
    store = await encryptedFile();
    provider = await new FakeProvider('sk-canary-of-the-provider').start();
    const names = ['PROVIDER_KEY', HOSTILE, LONG];
    for (const name of names) await store.put(name, provider.key);
    await store.put('MASTER_KEY', MASTER_KEY);
    const models = names.map((name, index) =>
      modelEntry(`gpt-${index}`, 'openai/gpt', {
        api_key: `os.environ/${name}`,
        api_base: `${provider.url}/v1`,
      }),
    );
    const MODELS_FILE = modelsFile([ECHO, ...models]);
    gateway = await new SampleProcess({ ...store.environment, MODELS_FILE }).listens();
    page = await browser.newPage();
    complaints = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('requestfailed', (failed) => complaints.push(failed.url()));
    await page.evaluateOnNewDocument(
      `document.addEventListener('securitypolicyviolation', (event) => console.error(event.violatedDirective))`,
    );
  });

  afterEach(async () => {
    await page.close();
    gateway.kill('SIGKILL');
    await gateway.ends();
    await provider.stop();
    await store.stop();
  });

  /** Opens the page. Resolves when it shows the status of the gateway. */
  const open = async (viewport: Viewport, scheme = 'light'): Promise<void> => {
    await page.setViewport(viewport);
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    await page.goto(gateway.url);
    await page.waitForSelector('#secrets > tr');
  };

  const shows = async (selector: string, text: string): Promise<void> => {
    await page.waitForSelector(`${selector}::-p-text(${text})`);
  };

  /** Evaluates an expression for each element. It is text, because Node has no types of the DOM. */
  const each = (selector: string, expression: string): Promise<unknown[]> =>
    page.evaluate(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].map((element) => ${expression})`,
    ) as Promise<unknown[]>;

  const texts = (selector: string): Promise<unknown[]> =>
    each(selector, 'element.textContent.trim()');

  const complete = (model: string): Promise<Response> =>
    gateway.request('/v1/chat/completions', 'POST', hello(model), MASTER_KEY);

  const keep = async (name: string): Promise<void> => {
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
  };

  it('shows the manager and every secret, whatever its name', async () => {
    await open(DESKTOP);

    const [names, states] = [await texts('#secrets th'), await texts('[data-field="state"]')];

    expect(names).toEqual([HOSTILE, 'MASTER_KEY', 'PROVIDER_KEY', LONG]);
    expect(states).toEqual(['fresh', 'fresh', 'fresh', 'fresh']);
    expect(await texts('#managers h3 span')).toEqual(['encrypted-file', 'up']);
    expect(await texts('#managers dd')).toEqual([
      expect.stringMatching(/^The store answered in \d+ ms\.$/),
      'The store is asked normally.',
    ]);
    expect(await texts('#secrets img, #secrets b')).toEqual([]);
    expect(await page.title()).toBe('Gateway status');
    expect(complaints).toEqual([]);
    await keep('desktop-light');
  });

  it('follows changes without a reload', async () => {
    await open(DESKTOP, 'dark');
    const row = 'tr[data-key="PROVIDER_KEY"]';
    const [before] = await texts(`${row} [data-field="version"]`);

    await complete('gpt-0');
    await shows(`${row} [data-field="hits"]`, '1');
    await store.put('PROVIDER_KEY', (provider.key = 'sk-canary-of-the-next-one'));
    await complete('gpt-0');
    await shows(`${row} [data-field="hits"]`, '2');

    const [after] = await texts(`${row} [data-field="version"]`);
    expect(Number(after)).toBeGreaterThan(Number(before));
    expect(await page.content()).not.toContain('sk-canary');
    expect(complaints).toEqual([]);
    await keep('desktop-dark');
  });

  it.each(['light', 'dark'])('fits a phone without horizontal scrolling, %s', async (scheme) => {
    await open(PHONE, scheme);

    const right = 'element.getBoundingClientRect().right';
    const edges = await each('header *, main > *, #secrets *, .card, .card *', right);
    const [width] = await each('html', 'element.scrollWidth');

    expect(Math.max(...edges.map(Number))).toBeLessThanOrEqual(PHONE.width);
    expect(width).toBe(PHONE.width);
    expect(complaints).toEqual([]);
    await keep(`phone-${scheme}`);
  });

  it('shows that the store is down, and which secret is stale', async () => {
    await open(DESKTOP);
    provider.key = 'sk-canary-of-another';

    await store.fail();
    await complete('gpt-0');
    await shows('#managers [data-field="status"]', 'down');
    await shows('tr[data-key="PROVIDER_KEY"] [data-field="state"]', 'stale');

    expect(await texts('#managers dd')).toEqual([
      expect.stringMatching(/^The store is not available \(UNAVAILABLE after \d+ ms\)\.$/),
      'Not paused: each read still tries the store.',
    ]);
    expect(await texts('#managers [data-tone="good"]')).toEqual([]);
    expect(complaints).toEqual([]);
    await keep('store-down');
  });

  it('shows that reads are paused, and when the store is tried next', async () => {
    await open(DESKTOP);

    await store.fail();
    for (let at = 0; at < 12; at++) {
      const key = `sk-of-nobody-at-all-${at}`;
      await gateway.request('/v1/models', 'GET', undefined, key);
    }
    await shows('#managers [data-field="reads"]', 'Paused');

    expect(await texts('#managers [data-field="reads"]')).toEqual([
      expect.stringMatching(
        /^Paused after repeated failures\. (Next try in \d+ s|The next read tries the store)\.$/,
      ),
    ]);
    expect(await texts('#managers [data-tone="good"]')).toEqual([]);
    expect(complaints).toEqual([]);
    await keep('store-paused');
  });

  it('reports that the gateway does not answer, and keeps the last status', async () => {
    await open(DESKTOP);
    await shows('#connection', 'Live');

    gateway.kill('SIGKILL');
    await shows('#connection', 'The gateway does not answer');

    expect(await texts('#secrets th')).toContain('PROVIDER_KEY');
    await keep('gateway-gone');
  });

  it('does not run an injected script', async () => {
    await open(DESKTOP);

    const injected = '<img src="data:," onerror="document.title = 1">';
    await each('body', `element.insertAdjacentHTML('beforeend', '${injected}')`);
    await eventually('the policy is violated', () => complaints.length > 0);

    expect(await page.title()).toBe('Gateway status');
    expect(complaints.join()).toContain('script-src');
  });
});
