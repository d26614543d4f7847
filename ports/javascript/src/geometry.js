// How large the face is, where it lies, how the head is held, and who else is there.
import { clip, total } from "./sampling.js";

export function face({ width, height, faceSize: size, face: { bbox: [, , w, h], score } }) {
  const diagonal = size / Math.hypot(width, height);
  return [1, score, h / height, w / width, diagonal, size / Math.max(width, height), size / Math.min(width, height),
    Math.log2(diagonal) + 6, h / w];
}

export function place({ width, height, face: { bbox: [x, y, w, h] } }) {
  const sides = [x / w, (width - x - w) / w];
  const margins = [y / h, (height - y - h) / h, Math.min(...sides), Math.max(...sides)];
  return [...margins.map((margin) => clip(margin, -1, 6)), (y + h / 2) / height];
}

/** Roll in degrees, clockwise or not, and how far the nose is beside the middle of the eyes. */
export function pose({ face: { landmarks: [[rightX, rightY], [leftX, leftY], [noseX, noseY]] } }) {
  const across = leftX - rightX, down = leftY - rightY, eyeDistance = Math.max(Math.hypot(across, down), 1e-3);
  const dx = noseX - (rightX + leftX) / 2, dy = noseY - (rightY + leftY) / 2;
  const aside = Math.abs(dx * across + dy * down) / eyeDistance, roll = Math.abs(Math.atan2(down, across));
  return [1, Math.min((roll * 180) / Math.PI, 90), Math.min(aside / eyeDistance, 2)];
}

export function crowd({ width, height, faces, similar }) {
  const sizes = faces.map(({ bbox: [, , w, h] }) => Math.sqrt(w * h)), [largest, second = 0] = sizes;
  const [[x0, y0], [x1, y1] = [x0, y0]] = faces.map(({ bbox: [x, y, w, h] }) => [x + w / 2, y + h / 2]);
  const extent = (axis) => Math.max(...similar.map(({ bbox }) => bbox[axis] + bbox[axis + 2])) -
    Math.min(...similar.map(({ bbox }) => bbox[axis]));
  return [
    Math.min(faces.length, 12), Math.min(similar.length, 8), second / largest,
    Math.min(Math.hypot(x1 - x0, y1 - y0) / largest, 8), total(sizes.map((size) => size * size)) / (width * height),
    extent(0) / width, extent(1) / height,
  ];
}
