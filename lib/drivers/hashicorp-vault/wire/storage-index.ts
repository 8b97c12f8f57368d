const LONGEST = 4_096;

/** The replication state of a cluster. HashiCorp counts two logs, OpenBao one. */
interface StorageIndex {
  readonly server: 'HashiCorp Vault' | 'OpenBao';
  readonly cluster: string;
  readonly counts: readonly bigint[];
}

/** Returns the `X-Vault-Index` of an answer, if it can be sent back in a header. */
export function storageIndexOf(header: unknown): string | undefined {
  const isUsable = typeof header === 'string' && /^[\x21-\x7e]+$/.test(header);
  return isUsable && header.length <= LONGEST ? header : undefined;
}

/** Returns the newer of two indexes, or the last one if they cannot be compared. */
export function newerIndex(before: string | undefined, last: string): string {
  const [a, b] = [parse(before ?? ''), parse(last)];
  if (before === undefined || a === undefined || b === undefined) return last;
  const isComparable = a.server === b.server && a.cluster === b.cluster;
  return isComparable && b.counts.every((count, at) => count <= (a.counts[at] ?? 0n))
    ? before
    : last;
}

/** Returns whether a standby of this server can forward the requests that it cannot answer yet. */
export function canForward(index: string): boolean {
  return parse(index)?.server === 'OpenBao';
}

function parse(index: string): StorageIndex | undefined {
  const text = Buffer.from(index, 'base64').toString('utf8');
  const [, cluster = '', local, replicated] = /^v1:([^:]*):(\d+):(\d+):/.exec(text) ?? [];
  if (local !== undefined && replicated !== undefined) {
    return { server: 'HashiCorp Vault', cluster, counts: [BigInt(local), BigInt(replicated)] };
  }
  return parseOpenBao(text);
}

function parseOpenBao(text: string): StorageIndex | undefined {
  const { cluster, value } = objectIn(text);
  if (typeof cluster !== 'string' || !/^\d+$/.test(String(value))) return undefined;
  return { server: 'OpenBao', cluster, counts: [BigInt(String(value))] };
}

function objectIn(text: string): { readonly cluster?: unknown; readonly value?: unknown } {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}
