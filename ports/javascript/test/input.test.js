// Bad input is met by one sentence; metadata are read as far as they are sound.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SelfieDetector } from "classicselfie";
import { readExif, readHeader } from "../src/exif.js";
import { evidence, readHints } from "../src/metadata.js";
import { hasFrontCameraBlock, readTrailer } from "../src/trailer.js";
import { findBorders, toWorkingSize } from "../src/working.js";
import { broken, chance } from "./mutations.js";

const folder = new URL(process.env.CLASSICSELFIE_EXPORT ?? "../data/", import.meta.url);
const detector = await SelfieDetector.load(folder);
const bytes = (...parts) => Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from(part))));
const u16 = (value) => { const out = Buffer.alloc(2); out.writeUInt16LE(value); return out; };
const u32 = (value) => { const out = Buffer.alloc(4); out.writeUInt32LE(value); return out; };

/** A TIFF structure of two directories: entries are [tag, kind, count, data]. */
function tiff(main, photo) {
  const directory = (entries, start) => {
    let behind = start + 2 + 12 * entries.length + 4;
    const heads = [], bodies = [];
    for (const [tag, kind, count, data] of entries) {
      const inline = data.length <= 4;
      heads.push(u16(tag), u16(kind), u32(count), inline ? bytes(data, Buffer.alloc(4 - data.length)) : u32(behind));
      if (!inline) { bodies.push(data); behind += data.length; }
    }
    return bytes(u16(entries.length), ...heads, u32(0), ...bodies);
  };
  const link = [0x8769, 4, 1, u32(0)];
  const place = 8 + directory([...main, link], 8).length;
  return bytes("II*\0", u32(8), directory([...main, [0x8769, 4, 1, u32(place)]], 8), directory(photo, place));
}
const ascii = (tag, text) => [tag, 2, text.length + 1, bytes(text, "\0")];
const ratio = (tag, above, below) => [tag, 5, 1, bytes(u32(above), u32(below))];
const hints = (main, photo, tail) => readHints({ exif: readExif(new Uint8Array(tiff(main, photo))), xmp: "" }, tail);

function jpeg(width, height, exif) {
  const big = (value) => [value >> 8, value & 255];
  const app = exif ? bytes([0xff, 0xe1, ...big(exif.length + 8)], "Exif\0\0", exif) : Buffer.alloc(0);
  return bytes([0xff, 0xd8], app, [0xff, 0xc0, 0, 17, 8, ...big(height), ...big(width), 3], Buffer.alloc(9), [0xff, 0xda, 0, 2]);
}

const sentence = async (...parts) => {
  const verdict = await detector.check(new Blob(parts));
  assert.equal(verdict.label, "unknown");
  assert.equal(verdict.probability, null);
  assert.equal(verdict.stage, "header");
  return verdict.reasons[0].sentence;
};

test("what is no picture is unknown, with the reason", async () => {
  assert.equal(await sentence(), "the file is empty");
  assert.match(await sentence("just some text"), /^not a picture in a supported format/);
  assert.match(await sentence(jpeg(30000, 30000)), /promises 30000 × 30000 pixels, more than the limit of 256 megapixels for JPEG/);
  assert.match(await sentence(jpeg(3000, 3000)), /cannot decode pictures/); // Node has no decoder
});

test("pixels that are none are refused at once", async () => {
  for (const photo of [null, 5, {}, { data: new Uint8Array(5), width: 1, height: 1 }, { data: new Uint8Array(0), width: 0, height: 0 }]) {
    await assert.rejects(detector.check(photo), TypeError);
  }
});

test("tiny, thin and grey pictures are judged or told to be too small", async () => {
  const grey = (width, height) => ({ data: new Uint8Array(4 * width * height).fill(128), width, height });
  assert.match((await detector.check(grey(20, 500))).reasons[0].sentence, /too small to judge \(20 × 500 pixels\)/);
  for (const [width, height] of [[24, 24], [24, 3000], [1000, 30], [321, 323]]) {
    const verdict = await detector.check(grey(width, height));
    assert.equal(verdict.label, "not_selfie", `${width} × ${height}`);
    assert.ok(verdict.reasons.length && Number.isFinite(verdict.probability));
  }
});

test("the lens' name, Apple, OPPO, Xiaomi and Samsung tell the camera", () => {
  assert.equal(hints([], [ascii(0xa434, "iPhone 12 front camera 2.71mm f/2.2")]).frontCamera, true);
  assert.equal(hints([], [ascii(0xa434, "iPhone 12 back dual camera 4.2mm")]).frontCamera, false);
  assert.equal(hints([], [ascii(0xa434, "front and back camera")]).frontCamera, null);
  assert.equal(hints([ascii(0x010f, "Apple")], [ratio(0x920a, 271, 100)]).frontCamera, true);
  assert.equal(hints([ascii(0x010f, "Apple")], [ratio(0x920a, 42, 10)]).frontCamera, false);
  assert.equal(hints([], [[0x9286, 7, 15, bytes("ASCII\0\0\0oppo_33")]]).frontCamera, true);
  assert.equal(hints([], [[0x9286, 7, 15, bytes("ASCII\0\0\0oppo_32")]]).frontCamera, false);
  assert.equal(hints([], [ascii(0x9999, '{"sensorType":"front"}')]).frontCamera, true);
  const note = bytes("Apple iOS\0\0\x01II", u16(1), u16(0x2e), u16(4), u32(1), u32(6), u32(0));
  assert.equal(hints([], [[0x927c, 7, note.length, note]]).frontCamera, true);
  assert.equal(hasFrontCameraBlock(samsungTrailer()), true);
  assert.equal(hints([], [], samsungTrailer()).frontCamera, true);
  assert.equal(hasFrontCameraBlock(samsungTrailer(0x0a01)), false);
  assert.equal(hints([], []).frontCamera, null);
});

/** A JPEG's end, and what Samsung's phones write behind it. */
function samsungTrailer(kind = 0x0910) {
  const block = bytes("Front_Cam_Selfie_Info");
  const directory = bytes("SEFH", u32(107), u32(1), u16(0), u16(kind), u32(block.length), u32(block.length));
  return new Uint8Array(bytes([0xff, 0xd9], block, directory, u32(directory.length), "SEFT"));
}

test("Samsung's trailer is found before a video of some megabytes, and wherever it lies across two parts", async () => {
  const picture = jpeg(640, 480), trailer = samsungTrailer();
  for (const behind of [0, 5, 2 ** 18 - 4, 2 ** 18 - 3, 2 ** 18 - 2, 2 ** 18, 3_000_001]) {
    const blob = new Blob([picture, trailer, new Uint8Array(behind).fill(7)]);
    assert.equal(hasFrontCameraBlock(await readTrailer(blob, true)), true, `${behind} bytes behind it`);
  }
  // What is no JPEG, and a JPEG that ends as it should, is not searched.
  const video = new Blob([trailer, new Uint8Array(2 ** 19).fill(7)]);
  assert.equal(hasFrontCameraBlock(await readTrailer(video, false)), false);
  assert.equal(hasFrontCameraBlock(await readTrailer(new Blob([video, new Uint8Array([0xff, 0xd9, 0, 0])]), true)), false);
  // Marks without a directory cost no more than a bounded number of looks.
  let looks = 0;
  class Counted extends Blob {
    slice(...ends) {
      looks += 1;
      return super.slice(...ends);
    }
  }
  await readTrailer(new Counted([trailer, "SEFT".repeat(2 ** 18), "."]), true);
  assert.ok(looks > 100 && looks < 120, `${looks} looks`);
});

test("metadata become the same log-odds as in Python", () => {
  const front = hints([], [ascii(0xa434, "front camera")]);
  const face = { bbox: [0, 0, 400, 500] };
  assert.deepEqual(evidence(front, face, [3000, 4000]), [{ signal: "front_camera", logOdds: Math.log(0.9 / 0.03), value: 1 }]);
  assert.deepEqual(evidence(front, null, [3000, 4000]), []); // a front camera may shoot a landscape
  const turned = hints([ascii(0x010f, "samsung"), [0x0112, 3, 1, u16(8)]], [[0xa405, 3, 1, u16(65)]]);
  assert.deepEqual(evidence(turned, face, [3000, 4000]).map((item) => item.signal), ["orientation", "subject_distance"]);
});

test("a pointer before the block hides nothing else", () => {
  const block = tiff([ascii(0x010f, "Apple")], []), at = block.indexOf(Buffer.from([0x69, 0x87]));
  block.set([9, 0, 1, 0, 0, 0, 0xfb, 0xff, 0xff, 0xff], at + 2); // signed: -5
  const { exif, size } = readHeader(new Uint8Array(jpeg(640, 480, block)));
  assert.deepEqual([exif.main.get(0x010f), exif.photo.size, size], ["Apple", 0, [640, 480]]);
});

test("a picture of twice the size is halved as OpenCV does, halves rounded up", () => {
  const image = { width: 640, height: 480, data: new Uint8Array(3 * 640 * 480) };
  for (let place = 0; place < image.data.length; place += 6 * 640) image.data.fill(1, place, place + 3 * 640);
  assert.ok(toWorkingSize(image, [640, 480]).image.data.every((value) => value === 1));
});

test("no mutation of a header raises or takes long", () => {
  const exif = tiff([ascii(0x010f, "Apple"), [0x0112, 3, 1, u16(6)]], [ratio(0x920a, 271, 100), ascii(0xa434, "front camera")]);
  const sound = jpeg(640, 480, exif);
  assert.deepEqual(readHeader(new Uint8Array(sound)).size, [640, 480]);
  assert.equal(readHints(readHeader(new Uint8Array(sound))).frontCamera, true);
  const random = chance();
  for (let turn = 0; turn < 10_000; turn++) {
    const bytes = broken(sound, random);
    readHints(readHeader(bytes), bytes);
  }
});

test("letterbox bars are cut off and faces map back to the original", () => {
  const image = { width: 320, height: 240, data: new Uint8Array(3 * 320 * 240) };
  for (let y = 30; y < 210; y++) for (let x = 0; x < 320; x++) image.data.fill(90 + ((7 * x + 13 * y) % 120), 3 * (320 * y + x), 3 * (320 * y + x) + 3);
  const [left, top, right, bottom] = findBorders(image);
  assert.deepEqual([left, right], [0, 0]);
  assert.ok(top >= 30 && top <= 31 && bottom >= 30 && bottom <= 31);
  const { offset, scale } = toWorkingSize(image, [640, 480]);
  assert.deepEqual(offset, [0, 2 * top]);
  assert.ok(Math.abs(scale[0] - 2) < 0.1);
});
