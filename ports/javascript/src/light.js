// How the face is lit, what is sharp, and what is behind the head.
import { boxSum, folded, gridSums, histogram, meanAndSpread, plain, region, sumsOf } from "./sampling.js";
import { total, visit, wholeBox, wholePixels } from "./sampling.js";

const BRIGHT = 245, DARK = 16;
const FLOOR = 0.5; // of the mean detail: keeps the logarithm of flat areas finite
const PLAIN = 12, EDGE = 15, LEAST = 40;

const clipped = (counts) =>
  [counts.slice(BRIGHT + 1), counts.slice(0, DARK)].map((part) => total(part) / total(counts));

/** Mean grey of a region, or what is told where it is empty. */
const meanOf = (plane, part, otherwise) => (part.size ? meanAndSpread(histogram(plane, part))[0] : otherwise);

export function light(scene) {
  const { luma } = scene, counts = histogram(luma), [mean, spread] = meanAndSpread(counts);
  const frame = (values) => [mean / 255, spread / 255, ...values, ...clipped(counts)];
  const [x, y, w, h] = scene.face?.bbox ?? [0, 0, 0, 0];
  const [face, ...sides] = [[x, x + w], [x, x + w / 2], [x + w / 2, x + w]].map(([x0, x1]) =>
    wholeBox([x0, y + 0.15 * h, x1, y + 0.95 * h], luma));
  if (!scene.face || !face.size) return frame(new Array(6).fill(0));
  const faceCounts = histogram(luma, face), [faceMean, faceSpread] = meanAndSpread(faceCounts);
  const [left, right] = sides.map((side) => meanOf(luma, side, faceMean));
  const size = luma.data.length, rest = (mean * size - faceMean * face.size) / Math.max(1, size - face.size);
  return frame([faceMean / 255, faceSpread / 255, (faceMean - rest) / 255, Math.abs(left - right) / 255,
    ...clipped(faceCounts)]);
}

export function focus(scene) {
  const { detail, coarseDetail, width, height } = scene, pixels = width * height;
  const frame = detail.total / pixels + FLOOR, coarse = coarseDetail.total / (pixels / 16) + FLOOR;
  const down = Math.floor(height / 4), across = Math.floor(width / 4);
  const [top, bottom] = [0, height - down].map((y) => total([0, width - across].map((x) =>
    boxSum(detail, [x, y, x + across, y + down])[0])) / (2 * across * down) + FLOOR);
  const told = (face, outside, grid) => [Math.log2(frame), face && Math.log2(face), face && Math.log2(outside / face),
    Math.log2(frame / coarse), Math.log2(top / (face || frame)), Math.log2(bottom / (face || frame)), ...grid];
  if (!scene.face) return told(0, 0, new Array(36).fill(0));
  const [inner, innerArea] = boxSum(detail, scene.innerFace);
  const face = innerArea >= 1 ? inner / innerArea + FLOOR : frame;
  const [xs, ys] = scene.window(), cell = (xs[1] - xs[0]) ** 2;
  const grid = gridSums(detail, xs, ys).map((row, y) => row.map((value, x) => {
    const share = scene.inside[y][x];
    return Math.log2((value / Math.max(share * cell, 1e-6) + FLOOR) / face) * share;
  }));
  return told(face, (detail.total - inner) / Math.max(1, pixels - innerArea) + FLOOR, folded(grid));
}

export function backdrop(scene) {
  const nothing = new Array(12).fill(0);
  if (!scene.face) return nothing;
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
  if (area < LEAST) return [area / size, ...nothing.slice(1)];
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
  const [leftMean, rightMean] = beside(0).map((side) => meanOf(luma, side, NaN));
  const upper = region([0, Math.max(2, Math.floor(rows / 8))], [0, columns]);
  return [
    area / size, mean / 255, spread / 255, plain(behind, PLAIN), edges / area, Math.log2(fine), Math.log2(coarse),
    Math.log2(fine / fineFace), Math.log2(coarse / coarseFace), meanOver(sumsOf(scene.saturation), 4) / 255,
    Math.abs(leftMean - rightMean) / 255 || 0, plain(histogram(luma, upper), PLAIN),
  ];
}
