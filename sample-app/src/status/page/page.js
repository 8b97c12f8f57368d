const EVERY_MS = 2_000;
const TIMEOUT_MS = 5_000;

/** The tone of each word: good, dubious or bad. */
const TONES = {
  up: 'good',
  fresh: 'good',
  stale: 'dubious',
  absent: 'dubious',
  unknown: 'dubious',
  down: 'bad',
  connected: 'good',
  cut: 'bad',
};

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

const byId = (id) => document.getElementById(id);

let timer;

/** Fetches and shows the status, and schedules the next fetch while the page is visible. */
async function update() {
  clearTimeout(timer);
  try {
    const answer = await fetch('status', { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!answer.ok) throw new Error('not answered');
    show(await answer.json());
    showConnection(true);
  } catch {
    showConnection(false);
  }
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(update, EVERY_MS);
}

function show({ managers, secrets, keys, fleet }) {
  list('managers', 'manager', managers, (manager) => manager.manager, showManager);
  list('secrets', 'secret', secrets, (secret) => secret.name, showSecret);
  byId('no-secrets').hidden = secrets.length > 0;
  byId('secrets-table').hidden = secrets.length === 0;
  write(byId('keys-cached'), keys.cached);
  write(byId('keys-hits'), keys.hits);
  showFleet(fleet);
}

function showManager(card, { manager, status, check, reads }) {
  card.text('manager', manager);
  card.badge('status', status);
  card.text('check', check);
  card.text('reads', reads);
}

function showFleet({ state, sinceMs, received, refused, published, pending }) {
  byId('fleet').hidden = state === 'off';
  const fields = new Fields(byId('fleet'));
  fields.badge('fleet-state', state);
  fields.text('since', duration(sinceMs));
  fields.text('received', received);
  fields.text('refused', refused);
  fields.text('published', published);
  fields.text('pending', pending);
}

function showSecret(row, { name, state, ageMs, version, changedAt, hits }) {
  row.text('name', name);
  row.badge('state', state);
  row.text('age', ageMs === undefined ? undefined : duration(ageMs));
  row.text('version', version);
  row.text('changed', changedAt && new Date(changedAt).toLocaleString());
  row.text('hits', hits);
}

/** Keeps the element of each item, so that a selection and the scroll position survive. */
function list(listId, templateId, items, keyOf, showItem) {
  const parent = byId(listId);
  const before = new Map([...parent.children].map((element) => [element.dataset.key, element]));
  const now = items.map((item) => {
    const key = String(keyOf(item));
    const element = before.get(key) ?? byId(templateId).content.firstElementChild.cloneNode(true);
    element.dataset.key = key;
    showItem(new Fields(element), item);
    return element;
  });
  if (now.length !== parent.children.length || now.some((each, at) => each !== parent.children[at]))
    parent.replaceChildren(...now);
}

/** The fields of a template. Everything is written as text, never as HTML. */
class Fields {
  constructor(element) {
    this.element = element;
  }

  text(field, text = '–') {
    write(this.element.querySelector(`[data-field="${field}"]`), text);
  }

  badge(field, text = 'unknown') {
    this.text(field, text);
    this.element.querySelector(`[data-field="${field}"]`).dataset.tone = TONES[text] ?? '';
  }
}

function write(element, text) {
  if (element.textContent !== String(text)) element.textContent = String(text);
}

function showConnection(isConnected) {
  write(byId('connection'), isConnected ? 'Live' : 'The gateway does not answer');
  byId('connection').dataset.tone = isConnected ? '' : 'bad';
  document.body.classList.toggle('outdated', !isConnected);
}

/** Formats a duration in the largest unit that fits, as "3 min". */
function duration(ms) {
  const [unit, size] = UNITS.find(([, unitMs]) => ms >= unitMs) ?? ['s', 1_000];
  return `${Math.floor(ms / size)} ${unit}`;
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void update();
});

void update();
