// Break files in many ways, always the same ones; for Node's tests and, through a real decoder, for a browser's.

const PATIENCE_MS = 20_000;

/** Whole numbers below a limit. */
export function chance(seed = 1) {
  let state = seed;
  return (below) => (state = (state * 48271) % 2147483647) % below;
}

/** Change some bytes, cut the end off, leave a part out, or repeat one. */
export function broken(sound, random) {
  const bytes = new Uint8Array(sound), place = random(bytes.length), length = random(bytes.length >> 3);
  const kind = random(6);
  if (kind === 0) return bytes.slice(0, place);
  if (kind === 1) return Uint8Array.from([...bytes.subarray(0, place), ...bytes.subarray(place + length)]);
  if (kind === 2) return Uint8Array.from([...bytes.subarray(0, place + length), ...bytes.subarray(place)]);
  for (let change = 0; change < 1 + random(8); change++) {
    // Half of them near the beginning, where the lengths and sizes are told.
    bytes[random(kind === 3 ? bytes.length : Math.min(bytes.length, 700))] = random(256);
  }
  return bytes;
}

/**
 * Judge broken files, one after the other.
 * @param {(file: Blob) => Promise<object>} judge
 * @param {Uint8Array[]} sounds what to break, in turns
 * @returns {Promise<{judged: number, unknown: number, slowest_ms: number, wrong: string[]}>} `wrong`: what was
 * thrown, took too long, or is no verdict
 */
export async function survey(judge, sounds, count) {
  const random = chance(), found = { judged: 0, unknown: 0, slowest_ms: 0, wrong: [] };
  for (let turn = 0; turn < count; turn++) {
    const started = performance.now();
    let timer;
    const patience = new Promise((_, reject) => { timer = setTimeout(reject, PATIENCE_MS, new Error("it takes too long")); });
    try {
      const file = new Blob([broken(sounds[turn % sounds.length], random)]);
      const { label, probability, reasons, summary } = await Promise.race([judge(file), patience]);
      const isWhole = label === "unknown" ? probability === null : probability >= 0 && probability <= 1;
      if (!isWhole || !reasons.length || !summary) throw new Error(`a strange verdict: ${summary}`);
      found[label === "unknown" ? "unknown" : "judged"] += 1;
    } catch (error) {
      found.wrong.push(`${turn}: ${error}`);
    }
    clearTimeout(timer);
    found.slowest_ms = Math.max(found.slowest_ms, performance.now() - started);
  }
  return found;
}
