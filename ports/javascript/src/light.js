// How the face is lit, what is sharp, and what is behind the head.
import { boxSum, folded, gridSums, histogram, meanAndSpread, plain, region, sumsOf, total, visit, wholeBox, wholePixels } from "./sampling.js";

const BRIGHT = 245, DARK = 16;
const FLOOR = 0.5; // of the mean detail: keeps the logarithm of flat areas finite
const PLAIN = 12, EDGE = 15, LEAST = 40;

const clipped = (counts) => {
  const all = total(counts);
  return [total(counts.slice(BRIGHT + 1)) / all, total(counts.slice(0, DARK)) / all];
};

function meanOf(plane, part) {
  let sum = 0;
  visit(part, plane.width, (place) => { sum += plane.data[place]; });
  return sum / part.size;
}

export function light(scene) {
  const { luma } = scene;
  const counts = histogram(luma);
  const [mean, spread] = meanAndSpread(counts);
  const [highlights, shadows] = clipped(counts);
  const frame = (values) => [mean / 255, spread / 255, ...values, highlights, shadows];
  if (!scene.face) return frame(new Array(6).fill(0));
  const [x, y, w, h] = scene.face.bbox;
  const [face, ...sides] = [[x, x + w], [x, x + w / 2], [x + w / 2, x + w]].map(
    ([x0, x1]) => wholeBox([x0, y + 0.15 * h, x1, y + 0.95 * h], luma));
  if (!face.size) return frame(new Array(6).fill(0));
  const faceCounts = histogram(luma, face);
  const [faceMean, faceSpread] = meanAndSpread(faceCounts);
  const [left, right] = sides.map((side) => (side.size ? meanOf(luma, side) : faceMean));
  const size = luma.data.length;
  const rest = (mean * size - faceMean * face.size) / Math.max(1, size - face.size);
  return frame([faceMean / 255, faceSpread / 255, (faceMean - rest) / 255, Math.abs(left - right) / 255, ...clipped(faceCounts)]);
}

export function focus(scene) {
  const { detail, coarseDetail, width, height } = scene;
  const pixels = width * height;
  const frame = detail.total / pixels + FLOOR;
  const coarse = coarseDetail.total / (pixels / 16) + FLOOR;
  const down = Math.floor(height / 4), across = Math.floor(width / 4);
  const [top, bottom] = [0, height - down].map((y) =>
    total([0, width - across].map((x) => boxSum(detail, [x, y, x + across, y + down])[0])) / (2 * across * down) + FLOOR);
  const fineToCoarse = Math.log2(frame / coarse);
  if (!scene.face) {
    return [Math.log2(frame), 0, 0, fineToCoarse, Math.log2(top / frame), Math.log2(bottom / frame), ...new Array(36).fill(0)];
  }
  const [inner, innerArea] = boxSum(detail, scene.innerFace);
  const face = innerArea >= 1 ? inner / innerArea + FLOOR : frame;
  const outside = (detail.total - inner) / Math.max(1, pixels - innerArea) + FLOOR;
  const [xs, ys] = scene.window();
  const cell = (xs[1] - xs[0]) ** 2;
  const grid = gridSums(detail, xs, ys).map((row, y) => row.map((value, x) => {
    const share = scene.inside[y][x];
    return Math.log2((value / Math.max(share * cell, 1e-6) + FLOOR) / face) * share;
  }));
  return [Math.log2(frame), Math.log2(face), Math.log2(outside / face), fineToCoarse, Math.log2(top / face),
    Math.log2(bottom / face), ...folded(grid)];
}

export function backdrop(scene) {
  const nothing = new Array(12).fill(0);
  if (!scene.face) return nothing;
  const { lumaHalf: luma, slopesHalf: slopes } = scene;
  const [rows, columns] = [luma.height, luma.width];
  const [x, y, w, h] = scene.face.bbox.map((value) => value / 2);
  const shoulders = wholePixels(0, y + 1.1 * h, rows)[1];
  const hair = Math.min(wholePixels(0, y - 0.5 * h, rows)[1], shoulders);
  const head = wholePixels(x - 0.5 * w, x + 1.5 * w, columns);
  const parts = [region([0, hair], [0, columns]), region([hair, shoulders], [0, head[0]]), region([hair, shoulders], [head[1], columns])];
  const behind = new Float64Array(256);
  for (const part of parts) histogram(luma, part, behind);
  const area = total(behind);
  if (area < LEAST) return [area / luma.data.length, ...nothing.slice(1)];
  const [mean, spread] = meanAndSpread(behind);
  let edges = 0;
  for (const part of parts) {
    visit(part, columns, (place) => {
      edges += slopes.across[place] ** 2 + slopes.down[place] ** 2 > EDGE ** 2;
    });
  }
  const boxes = parts.map((part) => [2 * part.columns[0], 2 * part.rows[0], 2 * part.columns[1], 2 * part.rows[1]]);
  const [fine, fineFace] = detailOf(scene.detail, 1, boxes, scene.innerFace);
  const [coarse, coarseFace] = detailOf(scene.coarseDetail, 4, boxes, scene.innerFace);
  const sides = [[0, head[0]], [head[1], columns]].map((across) => region([0, shoulders], across));
  const [left, right] = sides.map((side) => (side.size ? meanOf(luma, side) : null));
  return [
    area / luma.data.length, mean / 255, spread / 255, plain(behind, PLAIN), edges / area,
    Math.log2(fine), Math.log2(coarse), Math.log2(fine / fineFace), Math.log2(coarse / coarseFace),
    meanOver(sumsOf(scene.saturation), 4, boxes) / 255,
    left === null || right === null ? 0 : Math.abs(left - right) / 255,
    plain(histogram(luma, region([0, Math.max(2, Math.floor(rows / 8))], [0, columns])), PLAIN),
  ];
}

/** Mean detail behind the head and in the face, of a level with that many pixels a pixel. */
function detailOf(sums, side, boxes, face) {
  const behind = meanOver(sums, side, boxes) + FLOOR;
  const [inner, area] = boxSum(sums, face.map((value) => value / side));
  return [behind, area ? inner / area + FLOOR : behind];
}

function meanOver(sums, side, boxes) {
  const found = boxes.map((box) => boxSum(sums, box.map((value) => value / side)));
  return total(found.map(([sum]) => sum)) / total(found.map(([, area]) => area));
}
