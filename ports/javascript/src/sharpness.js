// What is sharp, and what is behind the head.
import { boxSum, histogram, meanAndSpread, plain, region, sumsOf, total, visit, wholePixels } from "./sampling.js";

const FLOOR = 0.5; // of the mean detail: keeps the logarithm of flat areas finite
const PLAIN = 12, EDGE = 15, LEAST = 40;

export function focus(scene) {
  const { detail, coarseDetail, width, height } = scene, pixels = width * height;
  const frame = detail.total / pixels + FLOOR, coarse = coarseDetail.total / (pixels / 16) + FLOOR;
  const down = Math.floor(height / 4), across = Math.floor(width / 4);
  const corners = [0, height - down].map((y) => total([0, width - across].map((x) =>
    boxSum(detail, [x, y, x + across, y + down])[0])) / (2 * across * down) + FLOOR);
  const [inner, area] = boxSum(detail, scene.innerFace), face = area >= 1 ? inner / area + FLOOR : frame;
  const outside = (detail.total - inner) / Math.max(1, pixels - area) + FLOOR;
  return [frame, face, outside / face, frame / coarse, corners[0] / face, corners[1] / face].map(Math.log2);
}

export function backdrop(scene) {
  const { lumaHalf: luma, slopesHalf: slopes } = scene, { width: columns, height: rows } = luma;
  const [x, y, w, h] = scene.face.bbox.map((value) => value / 2), size = luma.data.length;
  const shoulders = wholePixels(0, y + 1.1 * h, rows)[1];
  const hair = Math.min(wholePixels(0, y - 0.5 * h, rows)[1], shoulders);
  const [left, right] = wholePixels(x - 0.5 * w, x + 1.5 * w, columns);
  const beside = (top) => [[0, left], [right, columns]].map((across) => region([top, shoulders], across));
  const parts = [region([0, hair], [0, columns]), ...beside(hair)];
  const behind = new Float64Array(256);
  let edges = 0;
  for (const part of parts) {
    histogram(luma, part, behind);
    visit(part, columns, (place) => { edges += slopes.across[place] ** 2 + slopes.down[place] ** 2 > EDGE ** 2; });
  }
  const area = total(behind);
  if (area < LEAST) return [area / size, ...new Array(11).fill(0)];
  const [mean, spread] = meanAndSpread(behind);
  /** Mean over what is behind the head, of a level with that many of the picture's pixels a pixel. */
  const meanOver = (sums, side) => {
    const found = parts.map((part) => boxSum(sums, [part.columns[0], part.rows[0], part.columns[1], part.rows[1]]
      .map((value) => (2 * value) / side)));
    return total(found.map(([sum]) => sum)) / total(found.map(([, pixels]) => pixels));
  };
  const [[fine, fineFace], [coarse, coarseFace]] = [[scene.detail, 1], [scene.coarseDetail, 4]].map(([sums, side]) => {
    const around = meanOver(sums, side) + FLOOR;
    const [inner, pixels] = boxSum(sums, scene.innerFace.map((value) => value / side));
    return [around, pixels ? inner / pixels + FLOOR : around];
  });
  const [leftMean, rightMean] = beside(0).map((side) => side.size && meanAndSpread(histogram(luma, side))[0]);
  const differ = leftMean && rightMean ? Math.abs(leftMean - rightMean) / 255 : 0;
  const upper = region([0, Math.max(2, Math.floor(rows / 8))], [0, columns]);
  return [
    area / size, mean / 255, spread / 255, plain(behind, PLAIN), edges / area, Math.log2(fine), Math.log2(coarse),
    Math.log2(fine / fineFace), Math.log2(coarse / coarseFace), meanOver(sumsOf(scene.saturation), 4) / 255,
    differ, plain(histogram(luma, upper), PLAIN),
  ];
}
