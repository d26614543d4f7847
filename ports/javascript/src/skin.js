// How much bare skin there is, where, and whether an arm reaches the frame.
import { boxSum, clip, folded, gridSums, wholePixels } from "./sampling.js";
import { components } from "./scene.js";

const SIDE = 4; // pixels of the picture a pixel of the mask
// Left, top, right and bottom in shares of the face's box.
const INNER = [0.15, 0.15, 0.85, 0.9], AROUND = [-0.6, -0.5, 1.6, 1.2], BELOW = [-0.5, 1.1, 1.5, 2.2];

export function skin(scene) {
  const { skin: mask, skinSums: sums } = scene;
  const { width, height, data } = mask;
  const frame = sums.total / data.length;
  if (!scene.face) return [frame, ...new Array(48).fill(0)];
  const [x, y, w, h] = scene.face.bbox.map((value) => value / SIDE);
  const [[inner, innerArea], [around, aroundArea], [below, belowArea]] = [INNER, AROUND, BELOW].map(
    ([left, top, right, bottom]) => boxSum(sums, [x + left * w, y + top * h, x + right * w, y + bottom * h]));
  const count = (rows, columns, along) => {
    // Lines of a region that hold skin: rows where it is upright, else columns.
    const lines = new Set();
    for (let row = rows[0]; row < rows[1]; row++) {
      for (let column = columns[0]; column < columns[1]; column++) {
        if (data[row * width + column]) lines.add(along ? row : column);
      }
    }
    return lines.size;
  };
  const beside = wholePixels(y + 0.8 * h, scene.height, height);
  const sides = [[0, 2], [width - 2, width]].map((columns) => count(beside, columns, true) / h);
  const arm = traceArm(mask, [x, y, w, h]);
  const [xs, ys] = scene.window();
  const cell = ((xs[1] - xs[0]) / SIDE) ** 2;
  const grid = gridSums(sums, xs.map((value) => value / SIDE), ys.map((value) => value / SIDE));
  return [
    frame,
    inner / Math.max(1, innerArea),
    (around - inner) / Math.max(1, aroundArea - innerArea),
    below / Math.max(1, belowArea),
    Math.min(count([height - 2, height], [0, width], false) / w, 6),
    Math.min(Math.max(...sides), 6),
    Math.min(...sides, 6),
    count([0, 2], [0, width], false) / width,
    arm[1], arm[0], arm[2], arm[3], arm[4],
    ...folded(grid.map((row) => row.map((value) => value / cell))),
  ];
}

/** Blacken a region of a mask. */
export function blacken({ width, data }, rows, columns) {
  for (let row = rows[0]; row < rows[1]; row++) data.fill(0, row * width + columns[0], row * width + Math.max(...columns));
}

/** Find skin below the eyes that runs into the frame: width there, area, widening, side, body's area. */
function traceArm(mask, [x, y, w, h]) {
  const { width, height } = mask;
  const body = { ...mask, data: mask.data.slice() };
  blacken(body, wholePixels(0, y + 0.4 * h, height), [0, width]);
  blacken(body, wholePixels(y, y + 1.15 * h, height), wholePixels(x - 0.15 * w, x + 1.15 * w, width));
  const bodyArea = Math.min(body.data.reduce((sum, value) => sum + value, 0) / (w * h), 8);
  let best = [0, 0, 0, 0, bodyArea];
  for (const part of components(body)) {
    if (part.area < 0.04 * w * h) continue;
    const { left, top, right, bottom } = part;
    const edges = [
      [left === 0, h, right - left, (px) => px - left],
      [right === width, h, right - left, (px) => right - 1 - px],
      [bottom === height, w, bottom - top, (_, py) => bottom - 1 - py],
    ];
    for (const [touches, length, depth, inwards] of edges) {
      if (!touches) continue;
      const third = Math.max(1, Math.floor(depth / 3));
      let edge = 0, near = 0, far = 0;
      for (const pixel of part.places) {
        const away = inwards(pixel % width, Math.floor(pixel / width));
        edge += away === 0;
        near += away < third;
        far += away >= depth - third;
      }
      const arm = [
        Math.min(edge / length, 4),
        Math.min(part.area / (w * h), 6),
        clip(Math.log2((near / third + 0.5) / (far / third + 0.5)), -3, 3),
        Math.min(Math.abs(part.x + 0.5 - (x + w / 2)) / w, 4),
        bodyArea,
      ];
      const difference = arm.map((value, index) => value - best[index]).find((value) => value) ?? 0;
      if (difference > 0) best = arm;
    }
  }
  return best;
}
