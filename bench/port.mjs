// Judge pictures for bench/port.py: `node bench/port.mjs EXPORT FOLDER NAME...` prints a line of JSON each.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { SelfieDetector } from "../ports/javascript/src/index.js";

const [, , exported, folder, ...names] = process.argv;
const started = performance.now();
const detector = await SelfieDetector.load(pathToFileURL(`${exported}/`));
const load_ms = performance.now() - started;
for (const name of names) {
  const [, width, height] = name.match(/-(\d+)x(\d+)\.rgb$/).map(Number);
  const image = { width, height, data: new Uint8Array(readFileSync(`${folder}/${name}`)) };
  const { found, features, decision, verdict } = detector.analyse(image);
  console.log(JSON.stringify({
    name, faces: found.faces, features: Object.fromEntries(Object.entries(features).map(([group, values]) => [group, [...values]])), decision,
    probability: verdict.probability, label: verdict.label, summary: verdict.summary, timings_ms: verdict.timings_ms, load_ms,
    peak_kb: Number(readFileSync("/proc/self/status", "utf8").match(/VmHWM:\s*(\d+)/)[1]),
  }));
}
