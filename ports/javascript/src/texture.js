// Fine texture: local binary patterns, and how much of each spatial frequency there is.
import { clip, histogram, total, wholeBox } from "./sampling.js";

const ONES = 10, LIFT = 2;
const NEIGHBOURS = [[-1, -1], [-1, 0], [-1, 1], [0, 1], [1, 1], [1, 0], [1, -1], [0, -1]];
const MIRRORED = [2, 1, 0, 7, 6, 5, 4, 3]; // where each neighbour is in the mirror
const BLOCK = 8, BANDS = 15, HAIR = 1e-6;

/** Map 8-bit patterns to labels: by their ones, and by the pattern or its mirror image. */
function tables() {
  const patterns = Array.from({ length: 256 }, (_, pattern) => {
    const bits = NEIGHBOURS.map((_, bit) => (pattern >> bit) & 1);
    const changes = bits.filter((bit, index) => bit !== bits[(index + 7) % 8]).length;
    const mirror = total(bits.map((bit, index) => bit << MIRRORED[index]));
    return { ones: total(bits), uniform: changes <= 2, first: Math.min(pattern, mirror) };
  });
  const kinds = [...new Set(patterns.filter((each) => each.uniform).map((each) => each.first))].sort((a, b) => a - b);
  return [
    { labels: patterns.map((each) => (each.uniform ? each.ones : ONES - 1)), count: ONES },
    { labels: patterns.map((each) => (each.uniform ? kinds.indexOf(each.first) : kinds.length)), count: kinds.length + 1 },
  ];
}

const [BY_ONES, BY_PATTERN] = tables();
const COSINES = Array.from({ length: BLOCK }, (_, u) => Float64Array.from({ length: BLOCK }, (__, x) =>
  Math.cos(((2 * x + 1) * u * Math.PI) / (2 * BLOCK)) * Math.sqrt((u ? 2 : 1) / BLOCK)));

export function texture(scene) {
  const inner = scene.face ? scene.innerFace : null;
  const labelled = [[LIFT, BY_ONES], [0, BY_PATTERN]].flatMap(([lift, table]) => {
    const codes = localBinaryPattern(scene.luma, lift), half = localBinaryPattern(scene.lumaHalf, lift);
    const face = inner && wholeBox(inner.map((value) => value - 1), codes);
    return [
      ...shares(histogram(codes), table, codes.data.length),
      ...shares(histogram(half), table, half.data.length),
      ...shares(face ? histogram(codes, face) : new Float64Array(256), table, face ? face.size : 0),
    ];
  });
  return [...labelled, ...blockFrequencies(scene.luma, inner)];
}

/** Code each inner pixel by which of its eight neighbours are brighter by more than `lift`. */
function localBinaryPattern({ width, height, data }, lift) {
  const out = new Uint8Array((width - 2) * (height - 2));
  const steps = NEIGHBOURS.map(([dy, dx]) => dy * width + dx);
  const [s0, s1, s2, s3, s4, s5, s6, s7] = steps;
  for (let y = 1, to = 0; y < height - 1; y++) {
    for (let x = 1, p = y * width + 1; x < width - 1; x++, p++, to++) {
      const level = Math.min(255, data[p] + lift);
      out[to] = (data[p + s0] > level) | ((data[p + s1] > level) << 1) | ((data[p + s2] > level) << 2) |
        ((data[p + s3] > level) << 3) | ((data[p + s4] > level) << 4) | ((data[p + s5] > level) << 5) |
        ((data[p + s6] > level) << 6) | ((data[p + s7] > level) << 7);
    }
  }
  return { width: width - 2, height: height - 2, data: out };
}

function shares(counts, { labels, count }, size) {
  const out = new Array(count).fill(0);
  labels.forEach((label, pattern) => { out[label] += counts[pattern] / Math.max(1, size); });
  return out;
}

/** log2 of the mean absolute coefficient in 14 bands, and how far upright edges outweigh level ones. */
function blockFrequencies({ width, height, data }, box) {
  const rows = Math.floor(height / BLOCK), columns = Math.floor(width / BLOCK);
  const top = (height % BLOCK) >> 1, left = (width % BLOCK) >> 1;
  const part = box
    ? { rows: centres(box[1] - top, box[3] - top, rows), columns: centres(box[0] - left, box[2] - left, columns) }
    : { rows: [0, 0], columns: [0, 0] };
  const whole = new Float64Array(64), inside = new Float64Array(64);
  const across = new Float64Array(64);
  let counted = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const start = (top + row * BLOCK) * width + left + column * BLOCK;
      const held = row >= part.rows[0] && row < part.rows[1] && column >= part.columns[0] && column < part.columns[1];
      counted += held;
      for (let y = 0; y < BLOCK; y++) {
        const p = start + y * width;
        for (let u = 0; u < BLOCK; u++) {
          const k = COSINES[u];
          across[8 * u + y] = k[0] * data[p] + k[1] * data[p + 1] + k[2] * data[p + 2] + k[3] * data[p + 3] +
            k[4] * data[p + 4] + k[5] * data[p + 5] + k[6] * data[p + 6] + k[7] * data[p + 7];
        }
      }
      for (let u = 0; u < BLOCK; u++) {
        const q = 8 * u;
        for (let v = 0; v < BLOCK; v++) {
          const k = COSINES[v];
          const value = Math.abs(k[0] * across[q] + k[1] * across[q + 1] + k[2] * across[q + 2] + k[3] * across[q + 3] +
            k[4] * across[q + 4] + k[5] * across[q + 5] + k[6] * across[q + 6] + k[7] * across[q + 7]);
          whole[q + v] += value;
          if (held) inside[q + v] += value;
        }
      }
    }
  }
  return [...inBands(whole, rows * columns), ...inBands(inside, counted)];
}

/** Blocks whose centres lie within a stretch: [first, end]. */
function centres(start, stop, count) {
  const first = Math.ceil(start / BLOCK - 0.5 - HAIR), last = Math.floor(stop / BLOCK - 0.5 + HAIR);
  return [clip(first, 0, count), clip(last + 1, 0, count)];
}

function inBands(sums, count) {
  if (!count) return new Array(BANDS).fill(0);
  const strength = sums.map((value) => value / count);
  const bands = new Array(BANDS).fill(0), sizes = new Array(BANDS).fill(0);
  strength.forEach((value, place) => {
    const band = (place >> 3) + (place & 7);
    bands[band] += value;
    sizes[band] += 1;
  });
  const leaning = Math.log2(strength[8] + 1) - Math.log2(strength[1] + 1);
  return [...bands.map((value, band) => Math.log2(value / sizes[band] + 0.05)).slice(1), leaning];
}
