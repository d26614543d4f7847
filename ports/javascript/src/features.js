// All feature groups to one vector, in the order of the weights.
import { colour } from "./colour.js";
import { crowd, face, place, pose } from "./geometry.js";
import { backdrop, focus, light } from "./light.js";
import { poolView } from "./maps.js";
import { hogFace } from "./outlines.js";
import { total } from "./sampling.js";
import { skin } from "./skin.js";
import { texture } from "./texture.js";

export const FEATURE_VERSION = 4;
const GROUPS = { face, place, pose, crowd, skin, focus, light, texture, backdrop, colour, hog_face: hogFace };
export const NEEDS_FACE = new Set(["face", "place", "pose", "crowd"]);

/**
 * Measure a scene; float32, as in Python.
 * @returns {Record<string, Float32Array>} by group
 */
export function extract(scene, views) {
  const found = Object.entries(GROUPS).map(([name, measure]) => [name, Float32Array.from(measure(scene))]);
  return withViews(Object.fromEntries(found), scene, views);
}

/** The same features with other views: only the maps' groups change. */
export function withViews(features, scene, views) {
  const looks = views.map((view) => poolView(view, scene));
  const mean = (name) => Float32Array.from(looks[0][name], (_, index) =>
    total(looks.map((look) => look[name][index])) / looks.length);
  return { ...features, maps: mean("pooled"), maps_pairs: mean("pairs") };
}
