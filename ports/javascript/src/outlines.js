// Histograms of oriented gradients around the face.
import { clip, gridSums, region, sumsOf, total, visit, wholePixels } from "./sampling.js";
import { GRID } from "./scene.js";

const BINS = 6, LIMIT = 0.4, POOLED = 3, CELL = 8;
const FLAT = 15, STEEP = 56; // tangents of 15° and 75° as ratios of whole numbers
const ORIENTATIONS = [0, 1, 2, 3, 0, 5, 4, 3];
const NOISE = 250 / CELL ** 2;

export function hogFace(scene) {
  const [xs, ys] = scene.window(1), side = Math.sqrt((xs[1] - xs[0]) * (ys[1] - ys[0]));
  // The level is taken whose cells come nearest to eight pixels.
  const level = Math.abs(side / 2 - CELL) < Math.abs(side / 4 - CELL) ? 2 : 4;
  const slopes = level === 2 ? scene.slopesHalf : scene.slopesQuarter;
  return pooled(hog(slopes, ...[xs, ys].map((edges) => edges.map((edge) => edge / level))));
}

/** Cells of six orientations, [row][column][bin]; the ring around them is left out. */
function hog({ width, height, across, down }, xs, ys) {
  const rows = wholePixels(ys[0], ys.at(-1), height), columns = wholePixels(xs[0], xs.at(-1), width);
  const wide = columns[1] - columns[0], tall = rows[1] - rows[0], size = (xs[1] - xs[0]) * (ys[1] - ys[0]);
  if (wide <= 0 || tall <= 0) return ys.slice(3).map(() => xs.slice(3).map(() => new Array(BINS).fill(0)));
  const planes = Array.from({ length: BINS }, () => new Float32Array(wide * tall));
  let to = 0;
  visit(region(rows, columns), width, (place) => {
    planes[binOf(across[place], down[place])][to++] = Math.sqrt(across[place] ** 2 + down[place] ** 2);
  });
  const [left, top] = [xs.map((x) => x - columns[0]), ys.map((y) => y - rows[0])];
  const sums = planes.map((data) => gridSums(sumsOf({ width: wide, height: tall, data }), left, top));
  const [tallShares, wideShares] = [sharesInside(ys, height), sharesInside(xs, width)];
  const inside = tallShares.map((y) => wideShares.map((x) => y * x));
  const overCells = (make) => inside.map((line, y) => line.map((share, x) => make(share, y, x)));
  const cells = overCells((share, y, x) => sums.map((bin) => bin[y][x] / Math.max(share * size, 1e-6)));
  // A ring beyond the frame has no share in the mean energy around a cell.
  const energy = overCells((share, y, x) => total(cells[y][x].map((value) => value * value)) * share);
  return inside.slice(1, -1).map((line, y) => line.slice(1, -1).map((share, x) => {
    const around = (9 * neighbourhood(energy, y, x)) / Math.max(neighbourhood(inside, y, x), 1e-6);
    return cells[y + 1][x + 1].map((value) => Math.min(value / Math.sqrt(around + NOISE ** 2), LIMIT) * share);
  }));
}

/** Share of each cell between ascending edges that lies between 0 and `length`. */
const sharesInside = (edges, length) => edges.slice(1).map((edge, index) =>
  (clip(edge, 0, length) - clip(edges[index], 0, length)) / (edge - edges[index]));

/** Nearest of the six orientations: 0 where the luma changes across, 3 where down. */
function binOf(across, down) {
  const x = Math.abs(across), y = Math.abs(down);
  const steps = (STEEP * y >= FLAT * x) + (y >= x) + (FLAT * y >= STEEP * x);
  return ORIENTATIONS[steps + 4 * ((across ^ down) < 0)];
}

/** Sum over the 3 × 3 cells from one on. */
const neighbourhood = (cells, y, x) => total(cells.slice(y, y + 3).map((line) => total(line.slice(x, x + 3))));

/** Mean over 2 × 2 cells, folded at the upright middle. */
function pooled(cells) {
  const size = GRID / POOLED, middle = BINS / 2;
  const mean = (row, column, bin) => total(cells.slice(row * size, (row + 1) * size).flatMap((line) =>
    line.slice(column * size, (column + 1) * size).map((cell) => cell[bin]))) / size ** 2;
  return Array.from({ length: POOLED }).flatMap((_, row) => {
    const [outer, inner] = [0, 1].map((column) => Array.from({ length: BINS }, (__, bin) =>
      [mean(row, column, bin), mean(row, POOLED - 1 - column, (BINS - bin) % BINS)]));
    const means = (pairs) => pairs.map(([one, other]) => (one + other) / 2);
    const differences = (pairs) => pairs.map(([one, other]) => Math.abs(one - other));
    // Of the middle column, a bin and its mirror image are in one place.
    return [...means(outer), ...differences(outer), ...means(inner.slice(0, middle + 1)),
      ...differences(inner.slice(1, middle))];
  });
}
