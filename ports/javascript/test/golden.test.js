// The port gives what Python gave, stage by stage, for the drawn pictures of `classicselfie export`.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { SelfieDetector } from "classicselfie";
import { observe } from "../src/reasons.js";

const folder = new URL(process.env.CLASSICSELFIE_EXPORT ?? "../data/", import.meta.url);
const read = (name) => readFileSync(new URL(name, folder));
const detector = await SelfieDetector.load(folder);
const spreads = Object.fromEntries(JSON.parse(read("weights.json")).groups.map(({ group, scale }) => [group, scale]));
const names = readdirSync(new URL("golden/", folder)).filter((name) => name.endsWith(".json"));

const near = (value, expected, reach, what) =>
  assert.ok(Math.abs(value - expected) <= reach, `${what}: ${value}, not ${expected}`);

function assertSameFeatures(found, expected, what) {
  for (const [group, values] of Object.entries(expected)) {
    if (!(group in found)) {
      assert.ok(values.every((value) => value === 0), `${what}: ${group} is measured`);
      continue;
    }
    assert.equal(found[group].length, values.length, `${what}: ${group}`);
    values.forEach((value, index) =>
      near(found[group][index], value, 1e-3 * spreads[group][index], `${what}: ${group}[${index}]`));
  }
}

test("there are pictures of every sort", () => assert.ok(names.length >= 12));

for (const name of names) {
  const golden = JSON.parse(read(`golden/${name}`));
  const image = { width: golden.width, height: golden.height, data: new Uint8Array(read(`golden/${name.replace(".json", ".rgb")}`)) };

  test(`${name}: every stage`, () => {
    const judged = detector.analyse(image);
    assert.equal(judged.found.views[0].mirrored, golden.mirrored);
    near(judged.found.bestScore, golden.best_score, 1e-4, "best score");
    assert.equal(judged.found.faces.length, golden.faces.length);
    golden.faces.forEach(({ bbox, landmarks, score }, index) => {
      const face = judged.found.faces[index];
      bbox.forEach((value, side) => near(face.bbox[side], value, 0.5, "box"));
      landmarks.flat().forEach((value, side) => near(face.landmarks.flat()[side], value, 0.5, "landmark"));
      near(face.score, score, 1e-3, "score");
    });
    assertSameFeatures(judged.first.features, golden.first_look, "first look");
    assert.equal(judged.looks, golden.looks);
    assertSameFeatures(judged.features, golden.looks === 2 ? golden.both_looks : golden.first_look, "last look");
    for (const [group, share] of judged.shares) near(share, golden.shares[group], 1e-3, `share of ${group}`);
    near(judged.decision, golden.decision, 1e-3, "decision");
    assert.equal(judged.verdict.label, golden.verdict.label);
    near(judged.verdict.probability, golden.verdict.probability, 0.005, "probability");
    assert.equal(judged.verdict.model, golden.verdict.model);
    assert.deepEqual(judged.verdict.reasons.map(({ signal, sentence }) => [signal, sentence]),
      golden.verdict.reasons.map(({ signal, sentence }) => [signal, sentence]));
    golden.verdict.reasons.forEach(({ contribution }, index) =>
      near(judged.verdict.reasons[index].contribution, contribution, 1e-3, "contribution"));
    for (const { metres, told } of golden.clauses) assert.deepEqual(observe(judged, metres), told, `at ${metres} m`);
    assert.equal(judged.verdict.summary, golden.verdict.summary);
    assert.equal(judged.verdict.confidence, golden.verdict.confidence);
  });

  test(`${name}: RGBA of the working size gives the same verdict`, async () => {
    const data = new Uint8ClampedArray(4 * image.width * image.height).fill(255);
    for (let pixel = 0; pixel < image.width * image.height; pixel++) {
      data.set(image.data.subarray(3 * pixel, 3 * pixel + 3), 4 * pixel);
    }
    const verdict = await detector.check({ data, width: image.width, height: image.height });
    near(verdict.probability, golden.verdict.probability, 0.005, "probability");
    assert.deepEqual(verdict.size, golden.verdict.size);
    assert.deepEqual(verdict.faces.map((face) => face.bbox.map(Math.round)), golden.verdict.faces.map((face) => face.bbox.map(Math.round)));
  });
}
