// Bare skin, by the colour of the face: where it is, and whether an arm reaches the frame.
import { boxSum, clip, folded, gridSums, histogram, plane, quantiles, region, total, wholeBox, wholePixels }
  from "./sampling.js";
import { rint } from "./picture.js";

// Chai and Ngan's ranges of Cr and Cb, where no face tells the colour.
const FIXED = [[133, 173], [77, 127]];
const SPREADS = [[22, 48], [4, 10], [4, 10]]; // of Y, Cr, Cb
const NORMAL = 0.7413, WIDTH = 1.35, REACH = 2.6, ONE = 1024;
// Left, top, right and bottom in shares of the face's box.
const INNER = [0.15, 0.15, 0.85, 0.9], AROUND = [-0.6, -0.5, 1.6, 1.2], BELOW = [-0.5, 1.1, 1.5, 2.2];

/** Tell skin (1) from the rest (0), by the colour of the middle of the box where that can be told. */
export function segmentSkin({ width, height, data }, [left, top, wide, tall]) {
  const clamped = (value) => clip((value + (128 << 14) + 8192) >> 14, 0, 255);
  const y = plane(width, height, (place) =>
    (4899 * data[3 * place] + 9617 * data[3 * place + 1] + 1868 * data[3 * place + 2] + 8192) >> 14);
  const cr = plane(width, height, (place) => clamped((data[3 * place] - y.data[place]) * 11682));
  const cb = plane(width, height, (place) => clamped((data[3 * place + 2] - y.data[place]) * 9241));
  const seed = wholeBox([left + 0.22 * wide, top + 0.25 * tall, left + 0.78 * wide, top + 0.85 * tall], y);
  if (seed.size < 4) {
    const [red, blue] = FIXED.map(([low, high]) => (value) => value >= low && value <= high);
    return plane(width, height, (place) => red(cr.data[place]) && blue(cb.data[place]));
  }
  const far = [y, cr, cb].map((each, index) => squares(histogram(each, seed), SPREADS[index]));
  const reach = rint(REACH * REACH * ONE);
  return plane(width, height, (place) =>
    far[0][y.data[place]] + far[1][cr.data[place]] + far[2][cb.data[place]] < reach);
}

/** Squared distance from the seed's median, for each of the 256 values. */
function squares(counts, [least, most]) {
  const [low, centre, high] = quantiles(counts, 0.25, 0.5, 0.75);
  const spread = clip(WIDTH * NORMAL * (high - low), least, most);
  return Float64Array.from({ length: 256 }, (_, value) => rint(((value - centre) / spread) ** 2 * ONE));
}

/** The feature group: shares of boxes, and of the cells of the window around the face. */
export function skin(scene) {
  const sums = scene.skinSums, [x, y, w, h] = scene.face.bbox.map((value) => value / 4);
  const [[inner, innerArea], [around, aroundArea], [below, belowArea]] = [INNER, AROUND, BELOW].map(
    ([left, top, right, bottom]) => boxSum(sums, [x + left * w, y + top * h, x + right * w, y + bottom * h]));
  const [xs, ys] = scene.window().map((edges) => edges.map((value) => value / 4));
  const grid = gridSums(sums, xs, ys).map((row) => row.map((value) => value / (xs[1] - xs[0]) ** 2));
  return [
    sums.total / (sums.width * sums.height), inner / Math.max(1, innerArea),
    (around - inner) / Math.max(1, aroundArea - innerArea), below / Math.max(1, belowArea), ...folded(grid),
  ];
}

/** Which edge of the frame bare skin runs into beside the face: left, right, lower or null. */
export function findArm({ skin: mask, face }) {
  const { width, height } = mask, [x, y, w, h] = face.bbox.map((value) => value / 4);
  if (h / height < 0.25 || h / height > 0.6) return null;
  const head = wholePixels(x - 0.3 * w, x + 1.3 * w, width), behind = wholePixels(0, y + 0.8 * h, height)[1];
  const sides = [region([0, behind], [0, head[0]]), region([0, behind], [head[1], width])];
  const seen = total(sides.map(({ size }) => size));
  if (seen && total(sides.map((side) => histogram(mask, side)[1])) / seen > 0.06) return null;
  const chest = wholePixels(x, x + w, width);
  let best = null;
  for (const places of components(opened(bodyOf(mask, [x, y, w, h])))) {
    const area = places.length / (w * h), count = (test) => places.filter(test).length;
    if (area < 0.12 || area > 1.2) continue;
    if (count(([px, py]) => py === height - 1 && px >= chest[0] && px < chest[1])) continue;
    const widths = [["left", count(([px]) => px === 0) / h], ["right", count(([px]) => px === width - 1) / h]];
    const aside = Math.abs(total(places.map(([px]) => px)) / places.length + 0.5 - (x + w / 2));
    if (aside >= 0.75 * w) widths.push(["lower", count(([, py]) => py === height - 1) / w]);
    for (const [edge, wide] of widths) {
      const wins = !best || area > best[0] || (area === best[0] && edge > best[1]);
      if (wide >= 0.15 && wide <= 1.2 && wins) best = [area, edge];
    }
  }
  return best && best[1];
}

/** The skin below the eyes but that of the face, neck and hair. */
function bodyOf({ width, height, data }, [x, y, w, h]) {
  const eyes = wholePixels(0, y + 0.4 * h, height)[1], rows = wholePixels(y, y + 1.3 * h, height);
  const columns = wholePixels(x - 0.15 * w, x + 1.15 * w, width);
  const isIn = ([from, to], place) => place >= from && place < to;
  return plane(width, height, (place, px, py) =>
    py >= eyes && !(isIn(rows, py) && isIn(columns, px)) && data[place]);
}

/** Morphological opening by 3 × 3; beyond the frame nothing is worn away and nothing grows. */
function opened(mask) {
  const spread = ({ width, height, data }, value) => plane(width, height, (_, x, y) => {
    const columns = [Math.max(0, x - 1), Math.min(width, x + 2)];
    for (let row = Math.max(0, y - 1); row < Math.min(height, y + 2); row++) {
      if (data.subarray(row * width + columns[0], row * width + columns[1]).includes(value)) return value;
    }
    return 1 - value;
  });
  return spread(spread(mask, 0), 1);
}

/** The [x, y] of each connected part of a mask, neighbours being left, right, above and below. */
function components({ width, height, data }) {
  const left = data.slice(), found = [];
  for (let start = left.indexOf(1); start >= 0; start = left.indexOf(1, start + 1)) {
    const places = [];
    const reach = (x, y) => {
      if (x < 0 || y < 0 || x >= width || y >= height || !left[y * width + x]) return;
      left[y * width + x] = 0;
      places.push([x, y]);
    };
    reach(start % width, Math.floor(start / width));
    for (let index = 0; index < places.length; index++) {
      const [x, y] = places[index];
      for (const [dx, dy] of [[-1, 0], [1, 0], [0, -1], [0, 1]]) reach(x + dx, y + dy);
    }
    found.push(places);
  }
  return found;
}
