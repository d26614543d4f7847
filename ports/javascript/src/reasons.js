// Contributions to reasons: the shares of what can be named, strongest first.
import { NEEDS_FACE } from "./features.js";

const ARMS_REACH_M = 0.9;
const TITLES = {
  face: "size of the face", place: "place of the face", pose: "tilt of the head", crowd: "number of faces",
  skin: "bare skin", focus: "sharpness", light: "light", texture: "fine texture", backdrop: "background",
  colour: "colours", hog_face: "outlines around the face", maps: "the picture's general look",
  maps_pairs: "how the picture's patterns go together",
};

/**
 * Tell each group's share and what the file says. The sentences of groups are their titles.
 * @returns {{signal: string, sentence: string, contribution: number}[]}
 */
export function explain({ shares, metadata, faces }, slope) {
  const sums = new Map();
  for (const [group, share] of shares) {
    const signal = !faces.length && NEEDS_FACE.has(group) ? "no_face" : group;
    sums.set(signal, (sums.get(signal) ?? 0) + share);
  }
  const told = [...sums].filter(([, share]) => share).map(([signal, share]) => ({
    signal, sentence: signal === "no_face" ? "no face was found" : TITLES[signal], contribution: share,
  }));
  told.push(...metadata.map((item) => ({
    signal: item.signal, sentence: sentence(item), contribution: item.logOdds / slope,
  })));
  told.sort((one, other) => Math.abs(other.contribution) - Math.abs(one.contribution));
  return told.map((reason) => ({ ...reason, contribution: Number(reason.contribution.toFixed(6)) }));
}

function sentence({ signal, logOdds, value }) {
  if (signal === "front_camera") return `the file says that ${value ? "the front camera" : "a back camera"} took it`;
  if (signal === "focal_length") return `a focal length of ${value.toFixed(1)} mm is ${logOdds > 0 ? "common among" : "not usual for"} front cameras`;
  if (signal === "mirrored") return "the camera stored the picture mirrored";
  if (signal === "orientation") return "the picture is stored turned the way front cameras turn it";
  return `the face was about ${value.toFixed(1)} m from the camera, ${value <= ARMS_REACH_M ? "within" : "beyond"} arm's reach`;
}
