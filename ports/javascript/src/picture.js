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
  const across = Math.ceil(from.width / 5), down = Math.ceil(from.height / 5);
  const [columns, rows] = [fifthsOf(across, fifths), fifthsOf(down, fifths)];
  const out = picture(columns.length, rows.length);
  const unit = 25; // five fifths of a pixel each way, whichever it is
  let to = 0;
  for (const row of rows) {
    for (const column of columns) {
      for (let channel = 0; channel < 3; channel++, to++) {
        let total = 0;
        for (const [y, down_] of row) {
          const line = Math.min(y, from.height - 1) * from.width;
          for (const [x, across_] of column) {
            total += down_ * across_ * from.data[3 * (line + Math.min(x, from.width - 1)) + channel];
          }
        }
        out.data[to] = Math.floor((2 * total + unit) / (2 * unit)); // 25 is odd: there are no ties
      }
    }
  }
  return out;
}

const THREE_FIFTHS = [[[0, 3], [1, 2]], [[1, 1], [2, 3], [3, 1]], [[3, 2], [4, 3]]];
const ONE_FIFTH = [[[0, 1], [1, 1], [2, 1], [3, 1], [4, 1]]];

function fifthsOf(count, fifths) {
  const cells = fifths === 3 ? THREE_FIFTHS : ONE_FIFTH;
  return Array.from({ length: count }, (_, index) =>
    cells.map((cell) => cell.map(([place, share]) => [5 * index + place, share]))).flat();
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
  const columns = shares(from.width, width), rows = shares(from.height, height);
  const lines = new Float64Array(3 * width * from.height);
  for (let y = 0, to = 0; y < from.height; y++) {
    for (const column of columns) {
      for (let c = 0; c < 3; c++, to++) {
        for (const [x, share] of column) lines[to] += share * from.data[3 * (y * from.width + x) + c];
      }
    }
  }
  const out = picture(width, height);
  rows.forEach((row, y) => {
    for (let place = 0; place < 3 * width; place++) {
      let total = 0;
      for (const [line, share] of row) total += share * lines[3 * width * line + place];
      out.data[3 * width * y + place] = Math.min(255, Math.max(0, rint(total)));
    }
  });
  return out;
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
