// YuNet's inner maps, pooled: what the face detector saw besides faces.
import { FIRST_LOOK } from "./faces.js";
import { rint } from "./picture.js";
import { clip } from "./sampling.js";

const STRIDES = [8, 16, 32];
const CHANNELS = 64, PARTS = 7, STEPS = 1024; // values are rounded to multiples of 1 / STEPS
const BODY_WIDTH = 3.4, BODY_HEIGHT = 2;
const FACE = 3, SURROUNDINGS = 5; // their places among the boxes

/** Both groups, of one look: means over parts of the picture, and mean products of channels. */
export function poolView(view, scene) {
  const steps = view.maps.map((map) => Float64Array.from(map.data, (value) => rint(value * STEPS)));
  const boxes = boxesOf(view, scene);
  const pooled = view.maps.flatMap((map, scale) => poolMap(map, steps[scale], STRIDES[scale], boxes));
  return { pooled, pairs: pairsOf(steps[0]) };
}

function poolMap({ rows, columns }, values, stride, boxes) {
  const parts = Array.from({ length: PARTS }, () => new Float64Array(CHANNELS));
  const weights = boxes.map(([left, top, right, bottom]) => {
    const across = overlaps(left, right, stride, columns), down = overlaps(top, bottom, stride, rows);
    return Float64Array.from({ length: rows * columns }, (_, cell) =>
      rint(down[Math.floor(cell / columns)] * (across[cell % columns] * STEPS)));
  });
  if (boxes.length > FACE) weights[SURROUNDINGS].forEach((_, cell, all) => { all[cell] -= weights[FACE][cell]; });
  for (let cell = 0; cell < rows * columns; cell++) {
    const here = values.subarray(cell * CHANNELS, (cell + 1) * CHANNELS);
    for (let c = 0; c < CHANNELS; c++) if (here[c] > parts[0][c]) parts[0][c] = here[c];
    weights.forEach((weight, box) => {
      const share = weight[cell];
      if (share) for (let c = 0; c < CHANNELS; c++) parts[box + 1][c] += share * here[c];
    });
  }
  weights.forEach((weight, box) => {
    const all = Math.max(weight.reduce((sum, value) => sum + value, 0), 1);
    for (let c = 0; c < CHANNELS; c++) parts[box + 1][c] /= all;
  });
  return parts.flatMap((part) => Array.from(part, (value) => value / STEPS));
}

/** What is averaged over, in the look's pixels: thirds, face, body, and the whole picture. */
function boxesOf(view, { width, height, face }) {
  const boxes = [0, 1, 2].map((third) => [0, (height * third) / 3, width, (height * (third + 1)) / 3]);
  if (face) {
    let [x, y, w, h] = face.bbox;
    if (view.mirrored) x = width - x - w;
    const reach = ((BODY_WIDTH - 1) / 2) * w;
    boxes.push([x, y, x + w, y + h], [x - reach, y + h, x + w + reach, y + (1 + BODY_HEIGHT) * h], [0, 0, width, height]);
  }
  return boxes.map((box) => box.map((value, axis) => clip(value, 0, axis % 2 ? height : width) * FIRST_LOOK));
}

/** Share of each cell that lies between two ends. */
const overlaps = (low, high, stride, cells) => Float64Array.from({ length: cells }, (_, cell) => {
  const edge = (place) => Math.min(Math.max(place * stride, low), high);
  return (edge(cell + 1) - edge(cell)) / stride;
});

function pairsOf(fine) {
  const cells = fine.length / CHANNELS;
  const sums = new Float64Array(CHANNELS * CHANNELS);
  for (let from = 0; from < fine.length; from += CHANNELS) {
    for (let one = 0; one < CHANNELS; one++) {
      const value = fine[from + one];
      if (!value) continue; // ReLU left many of them
      for (let other = one, to = one * CHANNELS + one; other < CHANNELS; other++, to++) sums[to] += value * fine[from + other];
    }
  }
  const out = [];
  for (let one = 0; one < CHANNELS; one++) {
    for (let other = one; other < CHANNELS; other++) out.push(Math.sqrt(sums[one * CHANNELS + other] / cells) / STEPS);
  }
  return out;
}
