// A picture and its faces, and what several feature groups share of them, made when asked for.
import { halve, luma, rint } from "./picture.js";
import { clip, histogram, plane, quantiles, sumsOf, total, wholeBox } from "./sampling.js";

export const GRID = 6; // cells a side in every face-centred grid
const CONTEXT_FACES = 4, CONTEXT_DROP = 0.6;
const SIMILAR_FACE = 0.5;
// Skin, by Chai and Ngan where no face tells its colour (Cr, Cb).
const FIXED = [[133, 173], [77, 127]];
const SPREADS = [[22, 48], [4, 10], [4, 10]]; // of Y, Cr, Cb
const NORMAL = 0.7413, WIDTH = 1.35, REACH = 2.6, ONE = 1024;

/** Make each property once, when it is first asked for. */
function lazily(target, makers) {
  for (const [name, maker] of Object.entries(makers)) {
    let value;
    Object.defineProperty(target, name, { get: () => (value ??= maker()) });
  }
}

export class Scene {
  /**
   * @param {import("./picture.js").Picture} image both sides are multiples of four
   * @param {import("./yunet.js").Face[]} faces largest first
   */
  constructor(image, faces) {
    Object.assign(this, { image, faces, width: image.width, height: image.height, face: faces[0] ?? null });
    this.faceSize = this.face ? Math.sqrt(this.face.bbox[2] * this.face.bbox[3]) : 0;
    this.similar = faces.filter((face) => face.bbox[3] >= SIMILAR_FACE * faces[0].bbox[3]);
    lazily(this, {
      half: () => halve(image),
      quarter: () => halve(this.half),
      luma: () => luma(image),
      lumaHalf: () => halve(this.luma),
      lumaQuarter: () => halve(this.lumaHalf),
      saturation: () => saturation(this.quarter),
      slopesHalf: () => slopes(this.lumaHalf),
      slopesQuarter: () => slopes(this.lumaQuarter),
      detail: () => sumsOf(laplacian(this.luma)),
      coarseDetail: () => sumsOf(coarse(this.lumaQuarter)),
      skin: () => segmentSkin(this.quarter, this.face && this.face.bbox.map((value) => value / 4)),
      skinSums: () => sumsOf(this.skin),
    });
  }

  /** The largest face's box without its rim. */
  get innerFace() {
    const [x, y, w, h] = this.face.bbox;
    return [x + 0.1 * w, y + 0.1 * h, x + 0.9 * w, y + 0.9 * h];
  }

  /** Edges of the cells of the face-centred window: xs and ys. */
  window(ring = 0) {
    const [x, y, w, h] = this.face.bbox;
    const cell = (CONTEXT_FACES * this.faceSize) / GRID;
    const steps = Array.from({ length: GRID + 2 * ring + 1 }, (_, index) => cell * (index - GRID / 2 - ring));
    return [x + w / 2, y + h / 2 + CONTEXT_DROP * this.faceSize].map((middle) => steps.map((step) => middle + step));
  }
}

function saturation({ width, height, data }) {
  return plane(width, height, (place) => {
    const pixel = data.subarray(3 * place, 3 * place + 3), value = Math.max(...pixel);
    return ((value - Math.min(...pixel)) * 255) / Math.max(value, 1);
  });
}

/** Right minus left neighbour, lower minus upper; the outermost pixels are repeated. */
function slopes({ width, height, data }) {
  const across = (place, x) => data[x + 1 < width ? place + 1 : place] - data[x ? place - 1 : place];
  const down = (place, _, y) => data[y + 1 < height ? place + width : place] - data[y ? place - width : place];
  return { width, height, across: plane(width, height, across, Int16Array).data,
    down: plane(width, height, down, Int16Array).data };
}

/** Read a plane whose pixels are reflected at its edges, the outermost ones not repeated. */
function reflecting({ width, height, data }) {
  const reflected = (place, length) => (place < 0 ? -place : place >= length ? 2 * length - 2 - place : place);
  return (x, y) => data[reflected(y, height) * width + reflected(x, width)];
}

function laplacian(from) {
  const at = reflecting(from);
  return plane(from.width, from.height, (place, x, y) => Math.min(255,
    Math.abs(at(x, y - 1) + at(x, y + 1) + at(x - 1, y) + at(x + 1, y) - 4 * from.data[place])));
}

/** How far the luma is from the mean of the 5 × 5 pixels around it. */
function coarse(from) {
  const at = reflecting(from);
  return plane(from.width, from.height, (place, x, y) => {
    let sum = 0;
    for (let near = 0; near < 25; near++) sum += at(x - 2 + (near % 5), y - 2 + Math.floor(near / 5));
    return Math.abs(from.data[place] - Math.fround(sum / 25));
  }, Float64Array);
}

/** Tell skin (1) from the rest (0), by the colour of the face's middle where there is a face. */
function segmentSkin({ width, height, data }, bbox) {
  const clamped = (value) => clip((value + (128 << 14) + 8192) >> 14, 0, 255);
  const y = plane(width, height, (place) =>
    (4899 * data[3 * place] + 9617 * data[3 * place + 1] + 1868 * data[3 * place + 2] + 8192) >> 14);
  const cr = plane(width, height, (place) => clamped((data[3 * place] - y.data[place]) * 11682));
  const cb = plane(width, height, (place) => clamped((data[3 * place + 2] - y.data[place]) * 9241));
  const seed = bbox && faceMiddle(bbox, y);
  if (!seed) {
    const [red, blue] = FIXED.map(([low, high]) => (value) => value >= low && value <= high);
    return plane(width, height, (place) => red(cr.data[place]) && blue(cb.data[place]));
  }
  const far = [y, cr, cb].map((each, index) => squares(histogram(each, seed), SPREADS[index]));
  const reach = rint(REACH * REACH * ONE);
  return plane(width, height, (place) =>
    far[0][y.data[place]] + far[1][cr.data[place]] + far[2][cb.data[place]] < reach);
}

/** Squared distance from the seed's quantiles, for each of the 256 values. */
function squares(counts, [least, most]) {
  const [low, centre, high] = quantiles(counts, 0.25, 0.5, 0.75);
  const spread = clip(WIDTH * NORMAL * (high - low), least, most);
  return Float64Array.from({ length: 256 }, (_, value) => rint(((value - centre) / spread) ** 2 * ONE));
}

function faceMiddle([x, y, w, h], size) {
  const part = wholeBox([x + 0.22 * w, y + 0.25 * h, x + 0.78 * w, y + 0.85 * h], size);
  return part.size >= 4 ? part : null;
}

/**
 * Label the connected parts of a mask, neighbours being left, right, above and below.
 * @returns {{area: number, x: number, places: number[][]}[]} `x`: of the centre; `places`: [x, y]
 */
export function components({ width, height, data }) {
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
    found.push({ places, area: places.length, x: total(places.map(([x]) => x)) / places.length });
  }
  return found;
}
