// Counting, and exact means over boxes and grids that lie anywhere between the pixels.
const HAIR = 1e-6; // a box's edge this near to a pixel's edge lies on it

export const clip = (value, low, high) => Math.min(Math.max(value, low), high);
export const total = (values) => values.reduce((sum, value) => sum + value, 0);

/** Make a plane of one number a pixel, from the pixel's place, column and row. */
export function plane(width, height, make, Numbers = Uint8Array) {
  const data = new Numbers(width * height);
  for (let y = 0, place = 0; y < height; y++) {
    for (let x = 0; x < width; x++, place++) data[place] = make(place, x, y);
  }
  return { width, height, data };
}

/** All pixels that a stretch touches: [first, end]. */
export function wholePixels(start, stop, length) {
  const first = clip(Math.floor(start + HAIR), 0, length);
  return [first, Math.max(first, Math.min(Math.ceil(stop - HAIR), length))];
}

/** All pixels that a box touches: {rows, columns, size}. */
export const wholeBox = ([x0, y0, x1, y1], { width, height }) =>
  region(wholePixels(y0, y1, height), wholePixels(x0, x1, width));

export const region = (rows, columns) =>
  ({ rows, columns, size: Math.max(0, rows[1] - rows[0]) * Math.max(0, columns[1] - columns[0]) });

/** Visit the places of a region's pixels in a plane of this width. */
export function visit({ rows, columns }, width, see) {
  for (let y = rows[0]; y < rows[1]; y++) {
    for (let x = columns[0], place = y * width + x; x < columns[1]; x++, place++) see(place);
  }
}

/** Count the pixels at each of the 256 values, in all of a plane or in a region. */
export function histogram({ width, height, data }, part, counts = new Float64Array(256)) {
  visit(part ?? region([0, height], [0, width]), width, (place) => { counts[data[place]] += 1; });
  return counts;
}

/** Values below which shares of the counted ones lie; equal values count as spread over one unit. */
export function quantiles(counts, ...shares) {
  const all = total(counts);
  return shares.map((share) => {
    let place = 0, sum = counts[0];
    while (sum < all * share) sum += counts[++place];
    return place + 0.5 - (sum - all * share) / counts[place];
  });
}

/** Sums over all that lies above and to the left. */
export function sumsOf({ width, height, data }) {
  const line = width + 1, sums = new Float64Array(line * (height + 1));
  for (let y = 0, from = 0; y < height; y++) {
    let sum = 0;
    for (let x = 0, to = (y + 1) * line + 1; x < width; x++, to++) sums[to] = sums[to - line] + (sum += data[from++]);
  }
  return { width, height, sums, total: sums[sums.length - 1] };
}

function corner({ width, height, sums }, x, y) {
  [x, y] = [clip(x, 0, width), clip(y, 0, height)];
  const left = Math.min(Math.trunc(x), width - 1), top = Math.min(Math.trunc(y), height - 1);
  const place = top * (width + 1) + left, across = x - left;
  const upper = sums[place] * (1 - across) + sums[place + 1] * across;
  const lower = sums[place + width + 1] * (1 - across) + sums[place + width + 2] * across;
  return upper + (lower - upper) * (y - top);
}

/** Sum over a box, and how many pixels of it lie in the frame. */
export function boxSum(sums, [left, top, right, bottom]) {
  const x0 = clip(left, 0, sums.width), x1 = clip(right, 0, sums.width);
  const y0 = clip(top, 0, sums.height), y1 = clip(bottom, 0, sums.height);
  if (x1 <= x0 || y1 <= y0) return [0, 0];
  const sum = corner(sums, x1, y1) - corner(sums, x0, y1) - corner(sums, x1, y0) + corner(sums, x0, y0);
  return [sum, (x1 - x0) * (y1 - y0)];
}

/** Sums over the cells of a grid, row by row; what lies beyond the frame counts as 0. */
export function gridSums(sums, xs, ys) {
  const corners = ys.map((y) => xs.map((x) => corner(sums, x, y)));
  return ys.slice(1).map((_, row) => xs.slice(1).map((__, column) =>
    corners[row + 1][column + 1] - corners[row][column + 1] - (corners[row + 1][column] - corners[row][column])));
}

/** Fold a grid at its upright middle: the means of the two sides, then how far they differ. */
export function folded(grid) {
  const pairs = grid.flatMap((row) => row.slice(0, row.length / 2).map((one, x) => [one, row[row.length - 1 - x]]));
  return [...pairs.map(([one, other]) => (one + other) / 2), ...pairs.map(([one, other]) => Math.abs(one - other))];
}
