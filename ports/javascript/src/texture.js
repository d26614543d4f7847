// Fine texture: local binary patterns, of which one and its mirror image count as the same.
import { histogram, plane, total, wholeBox } from "./sampling.js";

const NEIGHBOURS = [[-1, -1], [-1, 0], [-1, 1], [0, 1], [1, 1], [1, 0], [1, -1], [0, -1]];
const MIRRORED = [2, 1, 0, 7, 6, 5, 4, 3]; // where each neighbour is in the mirror

/** Which patterns there are: uniform ones, which change at most twice around the circle, then all others. */
const KINDS = (() => {
  const first = Array.from({ length: 256 }, (_, pattern) => {
    const bits = NEIGHBOURS.map((__, bit) => (pattern >> bit) & 1);
    const isUniform = bits.filter((bit, index) => bit !== bits[(index + 7) % 8]).length <= 2;
    return isUniform ? Math.min(pattern, total(bits.map((bit, index) => bit << MIRRORED[index]))) : Infinity;
  });
  const kinds = [...new Set(first)].sort((one, other) => one - other);
  return first.map((pattern) => kinds.indexOf(pattern));
})();

export function texture({ luma: { width, height, data }, innerFace }) {
  const steps = NEIGHBOURS.map(([dy, dx]) => dy * width + dx);
  const codes = plane(width - 2, height - 2, (_, x, y) => {
    const place = (y + 1) * width + x + 1, level = data[place];
    let code = 0;
    for (let bit = 0; bit < 8; bit++) code |= (data[place + steps[bit]] > level) << bit;
    return code;
  });
  const face = wholeBox(innerFace.map((value) => value - 1), codes);
  return [...shares(histogram(codes), codes.data.length), ...shares(histogram(codes, face), face.size)];
}

/** Share of the pixels whose code is of each kind; all 0 of nothing. */
function shares(counts, size) {
  const out = new Array(Math.max(...KINDS) + 1).fill(0);
  KINDS.forEach((kind, code) => { out[kind] += counts[code] / Math.max(1, size); });
  return out;
}
