// Bytes to format, size and metadata. Nothing here trusts a count or an offset, or raises.

const MAX_ENTRIES = 1000, MAX_VALUE = 2 ** 18, MAX_TOTAL = 2 ** 20, MAX_SEGMENTS = 10_000;
const EXIF_IFD = 0x8769;
const EXIF_HEAD = "Exif\0\0", XMP_HEAD = "http://ns.adobe.com/xap/1.0/\0";
const ASCII = [2, 129], UNDEFINED = 7, BYTE = 1;
// A kind's bytes, and which reader of DataView takes them; two numbers are a ratio.
const KINDS = {
  1: [1, "getUint8"], 2: [1], 129: [1], 7: [1], 6: [1, "getInt8"], 3: [2, "getUint16"], 8: [2, "getInt16"],
  4: [4, "getUint32"], 13: [4, "getUint32"], 9: [4, "getInt32"], 11: [4, "getFloat32"], 12: [8, "getFloat64"],
  5: [8, "getUint32", "ratio"], 10: [8, "getInt32", "ratio"],
};

/** Bytes as text, each byte a letter. */
export function latin1(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

export const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
export const isAt = (bytes, text, at = 0) => latin1(bytes.subarray(at, at + text.length)) === text;

/** Tell the format from the first bytes; names and extensions lie. */
function sniff(bytes) {
  const signs = { "\xff\xd8\xff": "JPEG", "\x89PNG\r\n\x1a\n": "PNG", "II*\0": "TIFF", "MM\0*": "TIFF", GIF87a: "GIF",
    GIF89a: "GIF", BM: "BMP" };
  const sign = Object.keys(signs).find((each) => isAt(bytes, each));
  if (sign) return signs[sign];
  if (isAt(bytes, "RIFF") && isAt(bytes, "WEBP", 8)) return "WebP";
  const brands = isAt(bytes, "ftyp", 4) ? latin1(bytes.subarray(8, 64)) : "";
  return /avif|avis/.test(brands) ? "AVIF" : /he[iv][cxms]|mif1|msf1/.test(brands) ? "HEIC" : null;
}

/** Read what a file says before its pixels, from its first bytes: format, size, Exif by tags, and XMP. */
export function readHeader(head) {
  const found = { format: sniff(head), size: null, exif: { main: new Map(), photo: new Map() }, xmp: "" };
  const readers = { JPEG: readJpeg, PNG: readPng, WebP: readWebp,
    GIF: (_, view) => { found.size = [6, 8].map((at) => view.getUint16(at, true)); },
    BMP: (_, view) => { found.size = [18, 22].map((at) => Math.abs(view.getInt32(at, true))); } };
  try {
    readers[found.format]?.(head, viewOf(head), found);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the header ends early: what was read counts
  }
  return found;
}

function readJpeg(head, view, found) {
  for (let at = 2, count = 0; count < MAX_SEGMENTS && at + 4 <= head.length; count++) {
    const code = view.getUint8(at + 1);
    if (view.getUint8(at) !== 0xff || code === 0xff) { at += 1; continue; }
    if (code < 0xc0 || (code >= 0xd0 && code <= 0xd8)) { at += 2; continue; }
    if (code === 0xd9) return;
    const length = Math.max(2, view.getUint16(at + 2)), body = head.subarray(at + 4, at + 2 + length);
    if (code === 0xe1 && isAt(body, EXIF_HEAD) && !found.exif.main.size) found.exif = readExif(body);
    if (code === 0xe1 && isAt(body, XMP_HEAD)) found.xmp ||= latin1(body.subarray(XMP_HEAD.length));
    if (code <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(code)) found.size ??= [7, 5].map((by) => view.getUint16(at + by));
    if (code === 0xda) return; // the pixels
    at += 2 + length;
  }
}

function readPng(head, view, found) {
  found.size = [view.getUint32(16), view.getUint32(20)];
  for (let at = 8, count = 0; count < MAX_SEGMENTS && at + 12 <= head.length; count++) {
    const length = view.getUint32(at);
    if (isAt(head, "eXIf", at + 4)) found.exif = readExif(head.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
}

function readWebp(head, view, found) {
  for (let at = 12, count = 0; count < MAX_SEGMENTS && at + 8 <= head.length; count++) {
    const length = view.getUint32(at + 4, true), body = at + 8;
    if (isAt(head, "EXIF", at)) found.exif = readExif(head.subarray(body, body + length));
    if (isAt(head, "VP8X", at)) found.size = [3, 6].map((place) => 1 + (view.getUint32(body + place, true) >>> 8));
    if (isAt(head, "VP8 ", at)) found.size ??= [6, 8].map((place) => view.getUint16(body + place, true) & 0x3fff);
    const bits = isAt(head, "VP8L", at) && view.getUint32(body + 1, true);
    if (bits !== false) found.size ??= [0, 14].map((bit) => 1 + ((bits >>> bit) & 0x3fff));
    at = body + length + (length % 2);
  }
}

/** Read whatever of a file's Exif is sound: the first directory and the Exif directory. */
export function readExif(block) {
  while (isAt(block, EXIF_HEAD)) block = block.subarray(EXIF_HEAD.length); // some write the head twice
  const little = isAt(block, "II*\0"), budget = { left: MAX_TOTAL };
  if ((!little && !isAt(block, "MM\0*")) || block.length < 8) return { main: new Map(), photo: new Map() };
  const main = readDirectory(block, viewOf(block).getUint32(4, little), little, budget), inner = main.get(EXIF_IFD);
  return { main, photo: typeof inner === "number" ? readDirectory(block, inner, little, budget) : new Map() };
}

/** Read the sound entries of one directory. A value is a number, an array of them, text, or bytes. */
export function readDirectory(block, offset, little, budget = { left: MAX_TOTAL }) {
  const view = viewOf(block), tags = new Map();
  if (!(offset >= 0 && offset + 2 <= block.length)) return tags;
  const count = Math.min(view.getUint16(offset, little), MAX_ENTRIES);
  for (let at = offset + 2; at + 12 <= Math.min(block.length, offset + 2 + 12 * count); at += 12) {
    const tag = view.getUint16(at, little), kind = view.getUint16(at + 2, little);
    const number = view.getUint32(at + 4, little), size = number * (KINDS[kind]?.[0] ?? 0);
    if (!(size > 0 && size <= Math.min(MAX_VALUE, budget.left)) || tags.has(tag)) continue;
    const place = size > 4 ? view.getUint32(at + 8, little) : at + 8;
    if (place + size > block.length) continue;
    budget.left -= size;
    tags.set(tag, readValue(block.subarray(place, place + size), kind, number, little));
  }
  return tags;
}

function readValue(data, kind, count, little) {
  if (ASCII.includes(kind)) return text(data);
  if (kind === UNDEFINED || (kind === BYTE && count > 1)) return data;
  const view = viewOf(data), [size, reader, ratio] = KINDS[kind];
  const values = Array.from({ length: count }, (_, index) => {
    const value = view[reader](index * size, little);
    return ratio ? value / (view[reader](index * size + 4, little) || NaN) : value;
  });
  return count === 1 ? values[0] : values;
}

/** UTF-8 by the newer standard, Latin-1 by habit. */
function text(data) {
  const told = data.subarray(0, data.findLastIndex((byte) => byte) + 1);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(told);
  } catch {
    return latin1(told);
  }
}
