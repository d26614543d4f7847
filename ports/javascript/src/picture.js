// Pictures of three bytes a pixel, {width, height, data}: how they are shrunk, padded and turned.
import { plane } from "./sampling.js";

const EVEN = 1.5 * 2 ** 52; // numbers of this size have no fractions

/** Round halves to the even neighbour, as OpenCV, NumPy and Python do. */
export const rint = (value) => value + EVEN - EVEN;

const picture = (width, height, data = new Uint8Array(3 * width * height)) => ({ width, height, data });

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

/** Choose each pixel of a new picture by its place among old ones. */
function rearranged(pixels, width, height, place) {
  const out = picture(width, height);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let from = 3 * place(x, y), end = from + 3; from < end; from++) out.data[to++] = pixels[from];
    }
  }
  return out;
}

export const mirrored = ({ width, height, data }) =>
  rearranged(data, width, height, (x, y) => y * width + width - 1 - x);

/** Turn by a quarter, clockwise or the other way. */
export const turned = ({ width, height, data }, clockwise) => rearranged(data, height, width,
  clockwise ? (x, y) => (height - 1 - x) * width + y : (x, y) => x * width + width - 1 - y);

export const cut = (from, left, top, width, height) =>
  rearranged(from.data, width, height, (x, y) => (y + top) * from.width + x + left);

/** Put two pictures of one size side by side, or the second below the first. */
export function joined({ width, height, data }, other, across) {
  const both = Uint8Array.of(...data, ...other.data), size = width * height;
  if (!across) return picture(width, 2 * height, both);
  return rearranged(both, 2 * width, height, (x, y) => (x < width ? 0 : size - width) + y * width + x);
}

/** Shrink to three or one fifth; to multiples of five, the outermost pixels are repeated. */
export function shrunk({ width, height, data }, fifths) {
  const [columns, rows] = [width, height].map((side) => Math.ceil(side / 5));
  const place = (x, y) => Math.min(y, height - 1) * width + Math.min(x, width - 1);
  const isWhole = width === 5 * columns && height === 5 * rows;
  const whole = isWhole ? { width, height, data } : rearranged(data, 5 * columns, 5 * rows, place);
  return resize(whole, fifths * columns, fifths * rows);
}

/** Resize by averaging areas where it shrinks, linearly where it grows. */
export function resize(from, width, height) {
  if (width === from.width && height === from.height) return from;
  if (2 * width === from.width && 2 * height === from.height) return halve(from);
  const shares = width * height < from.width * from.height ? areas : neighbours;
  const columns = shares(from.width, width), rows = shares(from.height, height);
  const out = picture(width, height), line = new Float64Array(3 * from.width);
  let to = 0;
  for (const row of rows) {
    line.fill(0);
    row.shares.forEach((share, index) => {
      const start = line.length * (row.first + index);
      for (let x = 0; x < line.length; x++) line[x] += share * from.data[start + x];
    });
    for (const { first, shares } of columns) {
      let red = 0, green = 0, blue = 0;
      for (let index = 0, at = 3 * first; index < shares.length; index++, at += 3) {
        red += shares[index] * line[at];
        green += shares[index] * line[at + 1];
        blue += shares[index] * line[at + 2];
      }
      for (const value of [red, green, blue]) out.data[to++] = rint(value);
    }
  }
  return out;
}

/** For each pixel of a line, the first old one that is in it, and the shares of those from there on. */
function areas(from, to) {
  if (to > from) return neighbours(from, to);
  const step = from / to;
  return Array.from({ length: to }, (_, index) => {
    const start = index * step, stop = Math.min(start + step, from), first = Math.floor(start + 1e-9), shares = [];
    for (let place = first; place < stop - 1e-9; place++) {
      shares.push((Math.min(stop, place + 1) - Math.max(start, place)) / (stop - start));
    }
    return { first, shares };
  });
}

function neighbours(from, to) {
  return Array.from({ length: to }, (_, index) => {
    const place = Math.min(Math.max(((index + 0.5) * from) / to - 0.5, 0), from - 1), first = Math.floor(place);
    return { first, shares: first + 1 < from ? [1 - place + first, place - first] : [1] };
  });
}

/** Halve by means of 2 × 2: `(a + b + c + d + 2) >> 2`; of a plane or of a picture. */
export function halve({ width, height, data }) {
  const depth = data.length / (width * height), line = width * depth;
  const columns = width >> 1, rows = height >> 1;
  const out = new Uint8Array(columns * rows * depth);
  for (let y = 0, to = 0; y < rows; y++) {
    for (let x = 0, from = 2 * y * line; x < columns; x++, from += depth) {
      for (let c = 0; c < depth; c++, from++, to++) {
        out[to] = (data[from] + data[from + depth] + data[from + line] + data[from + line + depth] + 2) >> 2;
      }
    }
  }
  return { width: columns, height: rows, data: out };
}

/** Luma: `(9798 R + 19235 G + 3735 B + 2¹⁴) >> 15`. */
export const luma = ({ width, height, data }) => plane(width, height, (place) =>
  (9798 * data[3 * place] + 19235 * data[3 * place + 1] + 3735 * data[3 * place + 2] + 16384) >> 15);
