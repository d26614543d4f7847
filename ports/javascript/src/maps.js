// YuNet's inner maps, pooled: what the face detector saw besides faces.
import { FIRST_LOOK } from "./faces.js";
import { rint } from "./picture.js";
import { clip, plane, total } from "./sampling.js";

const STRIDES = [8, 16, 32];
const CHANNELS = 64, PARTS = 7, STEPS = 2 ** 16; // values are rounded to multiples of 1 / STEPS
const BODY_WIDTH = 3.4, BODY_HEIGHT = 2;
const FACE = 3, SURROUNDINGS = 5; // their places among the boxes

/** Both groups, of one look: means over parts of the picture, and mean products of channels. */
export function poolView(view, scene) {
  const boxes = boxesOf(view, scene);
  const maps = view.maps.map((map) => ({ ...map, data: map.data.map((value) => rint(value * STEPS)) }));
  return { maps: maps.flatMap((map, scale) => poolMap(map, STRIDES[scale], boxes)), maps_pairs: pairsOf(maps[0]) };
}

function poolMap({ rows, columns, data }, stride, boxes) {
  const weights = boxes.map(([left, top, right, bottom]) => {
    const across = overlaps(left, right, stride, columns), down = overlaps(top, bottom, stride, rows);
    return plane(columns, rows, (_, x, y) => rint(down[y] * (across[x] * STEPS)), Float64Array).data;
  });
  if (boxes.length > FACE) weights[FACE].forEach((share, cell) => { weights[SURROUNDINGS][cell] -= share; });
  const parts = Array.from({ length: PARTS }, () => new Float64Array(CHANNELS));
  for (let cell = 0, from = 0; cell < rows * columns; cell++, from += CHANNELS) {
    for (let c = 0; c < CHANNELS; c++) parts[0][c] = Math.max(parts[0][c], data[from + c]);
    for (let box = 0; box < boxes.length; box++) {
      const part = parts[box + 1], share = weights[box][cell];
      if (share) for (let c = 0; c < CHANNELS; c++) part[c] += share * data[from + c];
    }
  }
  const sizes = [1, ...weights.map((weight) => Math.max(total(weight), 1))];
  return parts.flatMap((part, index) => Array.from(part, (sum) => sum / (sizes[index] ?? 1) / STEPS));
}

/** What is averaged over, in the look's pixels: thirds, face, body, and the whole picture. */
function boxesOf(view, { width, height, face }) {
  const boxes = [0, 1, 2].map((third) => [0, (height * third) / 3, width, (height * (third + 1)) / 3]);
  if (face) {
    const [left, y, w, h] = face.bbox, x = view.mirrored ? width - left - w : left, reach = ((BODY_WIDTH - 1) / 2) * w;
    const body = [x - reach, y + h, x + w + reach, y + (1 + BODY_HEIGHT) * h];
    boxes.push([x, y, x + w, y + h], body, [0, 0, width, height]);
  }
  return boxes.map((box) => box.map((value, axis) => clip(value, 0, axis % 2 ? height : width) * FIRST_LOOK));
}

/** Share of each cell that lies between two ends. */
const overlaps = (low, high, stride, cells) => Array.from({ length: cells }, (_, cell) =>
  (clip((cell + 1) * stride, low, high) - clip(cell * stride, low, high)) / stride);

function pairsOf({ rows, columns, data }) {
  const sums = new Float64Array(CHANNELS * CHANNELS);
  for (let from = 0; from < data.length; from += CHANNELS) {
    for (let one = 0; one < CHANNELS; one++) {
      const value = data[from + one];
      if (!value) continue; // ReLU left many of them
      for (let other = one; other < CHANNELS; other++) sums[one * CHANNELS + other] += value * data[from + other];
    }
  }
  return [...sums].filter((_, place) => place % CHANNELS >= Math.floor(place / CHANNELS))
    .map((sum) => Math.sqrt(sum / (rows * columns)) / STEPS);
}
