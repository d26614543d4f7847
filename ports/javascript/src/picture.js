// Pictures of three bytes a pixel (red, green, blue), and how they are shrunk, padded and turned.

/** @typedef {{width: number, height: number, data: Uint8Array}} Picture */

/** Round halves to the even neighbour, as OpenCV, NumPy and Python do. */
export function rint(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest < 0.5) return floor;
  if (rest > 0.5) return floor + 1;
  return floor % 2 ? floor + 1 : floor;
}

/** @returns {Picture} */
export const picture = (width, height, data = new Uint8Array(3 * width * height)) => ({ width, height, data });

/** Leave the alpha channel out; what is transparent lies on white. */
export function fromRgba({ width, height, data }) {
  const out = picture(width, height);
  for (let from = 0, to = 0; to < out.data.length; from += 4, to += 3) {
    const alpha = data[from + 3];
    for (let channel = 0; channel < 3; channel++) {
      const value = data[from + channel];
      out.data[to + channel] = alpha === 255 ? value : Math.round((value * alpha) / 255 + 255 - alpha);
    }
  }
  return out;
}

/** Choose each pixel of a new picture by its place in the old one. */
function rearranged(from, width, height, place) {
  const out = picture(width, height);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      const source = 3 * place(x, y);
      out.data[to] = from.data[source];
      out.data[to + 1] = from.data[source + 1];
      out.data[to + 2] = from.data[source + 2];
    }
  }
  return out;
}

export const mirrored = (from) =>
  rearranged(from, from.width, from.height, (x, y) => y * from.width + from.width - 1 - x);

/** Turn by a quarter, clockwise or the other way. */
export const turned = (from, clockwise) =>
  rearranged(from, from.height, from.width, clockwise
    ? (x, y) => (from.height - 1 - x) * from.width + y
    : (x, y) => x * from.width + from.width - 1 - y);

export const cut = (from, left, top, width, height) =>
  rearranged(from, width, height, (x, y) => (y + top) * from.width + x + left);

/** Put two pictures of one size side by side, or the second below the first. */
export function joined(one, other, across) {
  const { width, height } = one;
  const out = picture(across ? 2 * width : width, across ? height : 2 * height);
  for (let y = 0; y < height; y++) {
    const line = (from) => from.data.subarray(3 * y * width, 3 * (y + 1) * width);
    out.data.set(line(one), 3 * y * out.width);
    out.data.set(line(other), 3 * (across ? y * out.width + width : (y + height) * width));
  }
  return out;
}

/** Shrink to three or one fifth; to multiples of five, the outermost pixels are repeated. */
export function shrunk(from, fifths) {
  // 25 fifths of fifths make a pixel, whichever it is; it is odd, so that there are no ties.
  return weighted(from, fifthsOf(from.width, fifths), fifthsOf(from.height, fifths), (sum) => Math.floor((2 * sum + 25) / 50));
}

const FIFTHS = {
  3: [[[0, 3], [1, 2]], [[1, 1], [2, 3], [3, 1]], [[3, 2], [4, 3]]],
  1: [[[0, 1], [1, 1], [2, 1], [3, 1], [4, 1]]],
};

const fifthsOf = (length, fifths) => Array.from({ length: Math.ceil(length / 5) }, (_, index) =>
  FIFTHS[fifths].map((cell) => cell.map(([place, share]) => [Math.min(5 * index + place, length - 1), share]))).flat();

/** Make each pixel of shares of columns and rows: lists of [place, share]. */
function weighted(from, columns, rows, finish) {
  const out = picture(columns.length, rows.length);
  const line = 3 * columns.length;
  const lines = new Float64Array(line * from.height);
  columns.forEach((cell, x) => {
    for (const [place, share] of cell) {
      for (let y = 0, to = 3 * x, at = 3 * place; y < from.height; y++, to += line, at += 3 * from.width) {
        lines[to] += share * from.data[at];
        lines[to + 1] += share * from.data[at + 1];
        lines[to + 2] += share * from.data[at + 2];
      }
    }
  });
  rows.forEach((cell, y) => {
    const sums = new Float64Array(line);
    for (const [place, share] of cell) {
      for (let to = 0, at = line * place; to < line; to++, at++) sums[to] += share * lines[at];
    }
    for (let to = 0; to < line; to++) out.data[line * y + to] = finish(sums[to]);
  });
  return out;
}

/** Halve by means of 2 × 2: `(a + b + c + d + 2) >> 2`; of a plane or of a picture. */
export function halve({ width, height, data }) {
  const depth = data.length / (width * height);
  const columns = width >> 1, rows = height >> 1, line = width * depth;
  const out = new Uint8Array(columns * rows * depth);
  let to = 0;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      let from = 2 * y * line + 2 * x * depth;
      for (let c = 0; c < depth; c++, from++, to++) {
        out[to] = (data[from] + data[from + depth] + data[from + line] + data[from + line + depth] + 2) >> 2;
      }
    }
  }
  return { width: columns, height: rows, data: out };
}

/** Luma: `(9798 R + 19235 G + 3735 B + 2¹⁴) >> 15`. */
export function luma({ width, height, data }) {
  const out = new Uint8Array(width * height);
  for (let from = 0, to = 0; to < out.length; from += 3, to++) {
    out[to] = (9798 * data[from] + 19235 * data[from + 1] + 3735 * data[from + 2] + 16384) >> 15;
  }
  return { width, height, data: out };
}

/** Resize by averaging areas where it shrinks, linearly where it grows. */
export function resize(from, width, height) {
  if (width === from.width && height === from.height) return from;
  const shrinks = width * height < from.width * from.height;
  const shares = shrinks ? areas : neighbours;
  return weighted(from, shares(from.width, width), shares(from.height, height), (sum) => Math.min(255, Math.max(0, rint(sum))));
}

function areas(from, to) {
  if (to > from) return neighbours(from, to);
  const step = from / to;
  return Array.from({ length: to }, (_, index) => {
    const start = index * step, stop = Math.min(start + step, from);
    const cell = [];
    for (let place = Math.floor(start + 1e-9); place < stop - 1e-9; place++) {
      cell.push([place, (Math.min(stop, place + 1) - Math.max(start, place)) / (stop - start)]);
    }
    return cell;
  });
}

function neighbours(from, to) {
  return Array.from({ length: to }, (_, index) => {
    const place = Math.min(Math.max(((index + 0.5) * from) / to - 0.5, 0), from - 1);
    const low = Math.floor(place), share = place - low;
    return [[low, 1 - share], [Math.min(low + 1, from - 1), share]];
  });
}
