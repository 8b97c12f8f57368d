import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EncryptedFileSecretManager } from 'nestjs-custom-secret-manager/drivers/encrypted-file';
import { startGateway } from './support/gateway.mjs';
import { collect, median, report } from './support/measure.mjs';

const SIZES = [100, 10_000, 100_000];
const SAMPLES = 40;
const READS = 20;
const READS_AT_ONCE = 200;
const MEMORY_GOAL_MB = 100;
const KEYS = [100, 10_000];
const KEY_SAMPLES = 40;

const folder = mkdtempSync(join(tmpdir(), 'g14-'));
try {
  await measureStore();
  await measureGateway();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Measures a durable write, and the reads right after it, at each size. */
async function measureStore() {
  const costs = new Map();
  for (const size of SIZES) {
    const manager = await filledStore(size);
    const [writes, reads] = [[], []];
    for (let sample = 0; sample < SAMPLES; sample++) {
      const at = (offset) => `SECRET_${(sample * 7_919 + offset * 104_729) % size}`;
      const startedAt = performance.now();
      await manager.writeSecret(at(0), randomBytes(32).toString('hex'));
      const writtenAt = performance.now();
      for (let read = 0; read < READS; read++) await manager.readSecret(at(read));
      writes.push(writtenAt - startedAt);
      reads.push(performance.now() - writtenAt);
    }
    costs.set(size, { write: median(writes), reads: median(reads) });
    if (size === SIZES.at(-1)) await measureMemory(manager, size);
    await manager.close();
  }
  const [fewest, , most] = SIZES.map((size) => costs.get(size));
  for (const [part, what] of [
    ['write', 'a durable write'],
    ['reads', `${READS} reads right after a write`],
  ]) {
    const between = costs.get(SIZES[1])[part];
    report('G14', {
      what: `${what} at ${SIZES[2]} secrets (${ms(between)} at ${SIZES[1]})`,
      figure: ms(most[part]),
      limit: `${ms(fewest[part])} at ${SIZES[0]}`,
      ratio: most[part] / fewest[part],
      atMost: 3,
    });
  }
}

async function measureMemory(manager, size) {
  collect();
  const before = process.memoryUsage.rss();
  let highest = before;
  const reads = Array.from({ length: READS_AT_ONCE }, async (_, index) => {
    await manager.readSecret(`SECRET_${(index * 499) % size}`);
    highest = Math.max(highest, process.memoryUsage.rss());
  });
  await Promise.all(reads);
  const grownMb = (highest - before) / 2 ** 20;
  report('G14', {
    what: `memory for ${READS_AT_ONCE} reads at once at ${size} secrets`,
    figure: `${grownMb.toFixed(1)} MB`,
    limit: `${MEMORY_GOAL_MB} MB`,
    ratio: grownMb / MEMORY_GOAL_MB,
    atMost: 1,
  });
}

/** Measures `POST /key/generate` of the gateway on its default store, with few keys and with many. */
async function measureGateway() {
  const costs = [];
  for (const count of KEYS) {
    const data = join(folder, `gateway-${count}`);
    const gateway = await startGateway(data);
    for (let made = 0; made < count; made += 100) {
      const missing = Math.min(100, count - made);
      await Promise.all(Array.from({ length: missing }, () => gateway.generateKey()));
    }
    const times = [];
    for (let sample = 0; sample < KEY_SAMPLES; sample++) {
      const startedAt = performance.now();
      await gateway.generateKey();
      times.push(performance.now() - startedAt);
    }
    costs.push(median(times));
    await gateway.stop();
  }
  const [few, many] = costs;
  report('G14', {
    what: `/key/generate at ${KEYS[1]} keys`,
    figure: ms(many),
    limit: `${ms(few)} at ${KEYS[0]}`,
    ratio: many / few,
    atMost: 1.5,
  });
}

async function filledStore(size) {
  const path = join(folder, `secrets-${size}`);
  const manager = new EncryptedFileSecretManager({ path, key: randomBytes(32) });
  await manager.validateEnvironment();
  for (let written = 0; written < size; written += 5_000) {
    const count = Math.min(5_000, size - written);
    const writes = Array.from({ length: count }, (_, index) =>
      manager.writeSecret(`SECRET_${written + index}`, randomBytes(32).toString('hex')),
    );
    await Promise.all(writes);
  }
  return manager;
}

function ms(time) {
  return `${time.toFixed(2)} ms`;
}
