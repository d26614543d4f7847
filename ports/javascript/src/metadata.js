// What the file says about the camera: which one it was, and how far away the face stood.
import { latin1, readDirectory } from "./exif.js";
import { clip } from "./sampling.js";
import { hasFrontCameraBlock } from "./trailer.js";

const FRONT_LENS = /\bfront\b.*\bcamera\b/i, BACK_LENS = /\b(?:back|rear)\b.*\bcamera\b/i;
const MAX_LENS_TEXT = 200;
const XMP_LENS = (() => {
  const name = "(?:[\\w.-]{1,40}:)?(?:LensModel|Lens)";
  const list = "(?:<[\\w.-]{1,40}:(?:Alt|Bag|Seq)\\s*>\\s{0,40}<[\\w.-]{1,40}:li(?:\\s[^<>]{0,200})?>\\s{0,40})?";
  const attribute = `\\s${name}\\s{0,8}=\\s{0,8}["']([^"'<>]{1,200})["']`;
  return new RegExp(`${attribute}|<${name}(?:\\s[^<>]{0,200})?>\\s{0,40}${list}([^<>]{1,200})<`, "g");
})();
const OPPO = /^oppo_(\d{1,18})(?!\d)/i;
const XIAOMI = /"sensorType"\s{0,8}:\s{0,8}"(front|rear)"/g;
const ANDROID = new RegExp("^\\s*(?:asus|google|hmd|honor|htc|huawei|infinix|itel|lge|meizu|motorola|nothing|oneplus|" +
  "oppo|realme|samsung|symphony|tecno|vivo|xiaomi|zte)\\b", "i");
// Likelihood ratios and where they come from: classicselfie/metadata.py and docs/metadata.md.
const FRONT_GIVEN_SELFIE = 0.9, FRONT_GIVEN_OTHER = 0.03;
// From, to, and how often front and back cameras have such a focal length; no phone has the last.
const FOCAL_MM = [[1.9, 3.2, 9 / 16, 5 / 113], [3.2, 3.9, 6 / 16, 7 / 113], [3.9, 8, 1 / 16, 101 / 113],
  [8, Infinity, 0, 1]];
const PLACEHOLDER_MM = 3.5;
const MIRRORED = [0.1, 0.005], TURNED = [2 / 16, 1 / 23];
const SELFIE_DISTANCE = [0.45, 0.45], OTHER_DISTANCE = [1.8, 0.8], USUAL_F35 = 27, DISTANCE_LIMITS = [-3, 0.5];
const FACE_WIDTH_M = 0.16, DIAGONAL_MM = 43.3;

const asText = (value) => (value instanceof Uint8Array ? latin1(value) : typeof value === "string" ? value : "");
const stripped = (text) => text.replace(/^[\0 ]+|[\0 ]+$/g, "");
/** The one vote that is not null, or null. */
const unanimous = (votes) => {
  const told = [...new Set(votes)].filter((vote) => vote !== null);
  return told.length === 1 ? told[0] : null;
};

export const NO_HINTS = { frontCamera: null, mirrored: false, frontOrientation: false, focalMm: null, focal35: null };

/** Interpret a file's metadata, and what stands behind its pixels. */
export function readHints({ exif: { main, photo }, xmp }, trailer = new Uint8Array()) {
  const orientation = main.get(0x0112), maker = main.get(0x010f);
  const length = (value) => (typeof value === "number" && Number.isFinite(value) && value > 0 ? value : null);
  const f35 = length(photo.get(0xa405));
  return {
    frontCamera: frontCamera(main, photo, xmp, trailer),
    mirrored: Boolean(maker || main.get(0x0110)) && [2, 4, 5, 7].includes(orientation),
    frontOrientation: typeof maker === "string" && ANDROID.test(maker) && orientation === 8,
    focalMm: length(photo.get(0x920a)),
    focal35: f35 !== null && f35 >= 10 && f35 <= 1200 ? f35 : null,
  };
}

/** The lens' name decides alone; then the makers' own signs; Apple's focal length only without these. */
function frontCamera(main, photo, xmp, trailer) {
  const lens = stripped(asText(photo.get(0xa434)));
  const lenses = lens ? [lens] : [...xmp.matchAll(XMP_LENS)].map((match) => (match[1] ?? match[2]).trim());
  const side = unanimous(lenses.map((text) => {
    const [front, back] = [FRONT_LENS, BACK_LENS].map((pattern) => pattern.test(text.slice(0, MAX_LENS_TEXT)));
    return front === back ? null : front;
  }));
  if (side !== null) return side;
  const votes = [fromApple(photo.get(0x927c)), hasFrontCameraBlock(trailer) || null, fromOppo(photo.get(0x9286)),
    fromXiaomi(photo.get(0x9999) || main.get(0x9999))];
  return votes.some((vote) => vote !== null) ? unanimous(votes) : fromAppleFocalLength(main, photo);
}

function fromApple(note) {
  if (!(note instanceof Uint8Array) || latin1(note.subarray(0, 10)) !== "Apple iOS\0") return null;
  const tags = readDirectory(note, 14, latin1(note.subarray(12, 14)) === "II");
  return tags.get(0x2e) === 6 || tags.get(0x45) === 1 ? true : null; // zeros say nothing
}

function fromOppo(comment) {
  let text = asText(comment);
  if (text.startsWith("UNICODE\0")) text = text.replaceAll("\0", "").replace(/^UNICODE/, "");
  const match = OPPO.exec(stripped(text.replace(/^ASCII\0\0\0/, "")));
  return match ? Boolean(BigInt(match[1]) & 1n) : null;
}

const fromXiaomi = (value) => unanimous([...asText(value).matchAll(XIAOMI)].map((match) => match[1] === "front"));

function fromAppleFocalLength(main, photo) {
  const focal = photo.get(0x920a), number = photo.get(0x829d);
  if (asText(main.get(0x010f)).trim().toLowerCase() !== "apple" || typeof focal !== "number") return null;
  if (focal >= 3.8) return false;
  const old = typeof number === "number" && number >= 2.35 && number <= 2.45;
  return (focal >= 2.6 && focal <= 2.95) || (old && focal >= 2.1 && focal <= 2.19) ? true : null;
}

/** Weigh the metadata in log-odds of a selfie. */
export function evidence(hints, face, size) {
  const found = [cameraEvidence(hints)], isOpen = hints.frontCamera === null;
  if (hints.mirrored && isOpen) found.push({ signal: "mirrored", logOdds: logOdds(...MIRRORED), value: 1 });
  if (hints.frontOrientation && isOpen) found.push({ signal: "orientation", logOdds: logOdds(...TURNED), value: 1 });
  if (face && hints.focal35 !== null && face.bbox[2] > 0) {
    const share = face.bbox[2] / Math.hypot(...size);
    const distance = (FACE_WIDTH_M * hints.focal35) / (DIAGONAL_MM * share);
    const shift = distanceLogOdds(distance) - distanceLogOdds((distance * USUAL_F35) / hints.focal35);
    const [low, high] = DISTANCE_LIMITS;
    found.push({ signal: "subject_distance", logOdds: clip(shift, low, high), value: distance });
  }
  // Without a face only what speaks against a selfie counts: a front camera may shoot a landscape.
  return found.filter((item) => item && (face || item.logOdds < 0));
}

function cameraEvidence({ frontCamera: front, focalMm: focal }) {
  const told = (signal, value, likelihoods) => ({ signal, logOdds: logOdds(...likelihoods), value });
  if (front !== null) return told("front_camera", Number(front), [Number(front), Number(!front)]);
  if (focal === null || Math.abs(focal - PLACEHOLDER_MM) <= 1e-9 * Math.max(focal, PLACEHOLDER_MM)) return null;
  const range = FOCAL_MM.find(([low, high]) => focal >= low && focal < high);
  return range ? told("focal_length", focal, range.slice(2)) : null;
}

function logOdds(front, back) {
  const given = (share) => share * front + (1 - share) * back;
  return Math.log(given(FRONT_GIVEN_SELFIE) / given(FRONT_GIVEN_OTHER));
}

function distanceLogOdds(metres) {
  const density = ([median, spread]) => -0.5 * (Math.log(metres / median) / spread) ** 2 - Math.log(spread);
  return density(SELFIE_DISTANCE) - density(OTHER_DISTANCE);
}
