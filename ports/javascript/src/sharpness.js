// What is sharp, and what is behind the head.
import { rint } from "./picture.js";
import { boxSum, histogram, quantiles, region, total, visit, wholePixels } from "./sampling.js";

const FLOOR = 0.5; // of the mean detail: keeps the logarithm of flat areas finite
const PLAIN = 12, EDGE = 15, LEAST = 40;

export function focus({ detail, innerFace, width, height }) {
  const pixels = width * height, frame = detail.total / pixels + FLOOR;
  const [inner, area] = boxSum(detail, innerFace), face = area >= 1 ? inner / area + FLOOR : frame;
  const outside = (detail.total - inner) / Math.max(1, pixels - area) + FLOOR;
  return [frame, face, outside / face].map(Math.log2);
}

export function backdrop({ lumaHalf: luma, slopesHalf: slopes, detail, face, innerFace }) {
  const { width: columns, height: rows } = luma, [x, y, w, h] = face.bbox.map((value) => value / 2);
  const shoulders = wholePixels(0, y + 1.1 * h, rows)[1];
  const hair = Math.min(wholePixels(0, y - 0.5 * h, rows)[1], shoulders);
  const [left, right] = wholePixels(x - 0.5 * w, x + 1.5 * w, columns);
  const rest = [hair, shoulders], parts = [[[0, hair], [0, columns]], [rest, [0, left]], [rest, [right, columns]]];
  const counts = new Float64Array(256);
  let edges = 0, behind = 0, seen = 0;
  for (const [down, across] of parts) {
    const part = region(down, across);
    histogram(luma, part, counts);
    visit(part, columns, (place) => { edges += slopes.across[place] ** 2 + slopes.down[place] ** 2 > EDGE ** 2; });
    const [sum, pixels] = boxSum(detail, [across[0], down[0], across[1], down[1]].map((value) => 2 * value));
    behind += sum;
    seen += pixels;
  }
  const area = total(counts), share = area / luma.data.length;
  if (area < LEAST) return [share, 0, 0, 0, 0, 0, 0];
  const [mean, square] = [1, 2].map((power) => total(counts.map((count, value) => count * value ** power)) / area);
  const spread = Math.sqrt(Math.max(0, square - mean * mean));
  const middle = rint(quantiles(counts, 0.5)[0]);
  const plain = total(counts.slice(Math.max(0, middle - PLAIN + 1), middle + PLAIN)) / area;
  const around = behind / seen + FLOOR, [inner, pixels] = boxSum(detail, innerFace);
  const own = pixels ? inner / pixels + FLOOR : around;
  return [share, mean / 255, spread / 255, plain, edges / area, Math.log2(around), Math.log2(around / own)];
}
