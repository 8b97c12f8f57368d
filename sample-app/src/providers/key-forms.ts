/**
 * Returns the key unchanged, percent-encoded, in hexadecimal, and in Base64 at each of its three possible offsets in a
 * text.
 */
export function encodingsOf(key: string): string[] {
  const bytes = Buffer.from(key);
  const base64 = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    // a character at either end also holds bits of the text beside the key
    return text.slice(Math.ceil((offset * 4) / 3), Math.floor(((offset + bytes.length) * 4) / 3));
  });
  const urlSafe = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  const hex = bytes.toString('hex');
  return [key, encodeURIComponent(key), hex, hex.toUpperCase(), ...base64, ...urlSafe];
}
