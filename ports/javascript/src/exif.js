// Bytes to format, size and metadata. Nothing here trusts a count or an offset, or raises.

const MAX_ENTRIES = 1000, MAX_VALUE = 2 ** 18, MAX_TOTAL = 2 ** 20, MAX_SEGMENTS = 10_000;
const EXIF_IFD = 0x8769;
const SIZES = { 1: 1, 2: 1, 7: 1, 129: 1, 3: 2, 8: 2, 4: 4, 9: 4, 11: 4, 13: 4, 5: 8, 10: 8, 12: 8, 6: 1 };
const EXIF_HEAD = "Exif\0\0", XMP_HEAD = "http://ns.adobe.com/xap/1.0/\0";

/** Bytes as text, each byte a letter. */
export function latin1(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

const isAt = (bytes, text, at = 0) => latin1(bytes.subarray(at, at + text.length)) === text;

/** Tell the format from the first bytes; names and extensions lie. */
export function sniff(bytes) {
  if (isAt(bytes, "\xff\xd8\xff")) return "JPEG";
  if (isAt(bytes, "\x89PNG\r\n\x1a\n")) return "PNG";
  if (isAt(bytes, "RIFF") && isAt(bytes, "WEBP", 8)) return "WebP";
  if (isAt(bytes, "II*\0") || isAt(bytes, "MM\0*")) return "TIFF";
  if (isAt(bytes, "GIF87a") || isAt(bytes, "GIF89a")) return "GIF";
  if (isAt(bytes, "BM")) return "BMP";
  if (isAt(bytes, "ftyp", 4)) return /avif|avis/.test(latin1(bytes.subarray(0, 64))) ? "AVIF" : "HEIC";
  return null;
}

/**
 * Read what a file says before its pixels.
 * @param {Uint8Array} head its first bytes, some hundred kilobytes at least
 * @returns {{format: string | null, size: number[] | null, exif: {main: Map, photo: Map}, xmp: string}}
 */
export function readHeader(head) {
  const format = sniff(head);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const found = { format, size: null, exif: { main: new Map(), photo: new Map() }, xmp: "" };
  try {
    if (format === "JPEG") readJpeg(head, view, found);
    if (format === "PNG") readPng(head, view, found);
    if (format === "WebP") readWebp(head, view, found);
    if (format === "GIF") found.size = [view.getUint16(6, true), view.getUint16(8, true)];
    if (format === "BMP") found.size = [view.getInt32(18, true), Math.abs(view.getInt32(22, true))];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the header ends early: what was read counts
  }
  return found;
}

function readJpeg(head, view, found) {
  for (let at = 2, count = 0; count < MAX_SEGMENTS && at + 4 <= head.length; count++) {
    if (view.getUint8(at) !== 0xff) { at += 1; continue; }
    const code = view.getUint8(at + 1);
    if (code === 0xff || code < 0xc0 || (code >= 0xd0 && code <= 0xd8)) { at += code === 0xff ? 1 : 2; continue; }
    if (code === 0xd9) return;
    const length = Math.max(2, view.getUint16(at + 2));
    const body = head.subarray(at + 4, at + 2 + length);
    if (code === 0xe1 && isAt(body, EXIF_HEAD) && !found.exif.main.size) found.exif = readExif(body);
    if (code === 0xe1 && isAt(body, XMP_HEAD)) found.xmp ||= latin1(body.subarray(XMP_HEAD.length));
    if (code >= 0xc0 && code <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(code)) {
      found.size ??= [view.getUint16(at + 7), view.getUint16(at + 5)];
    }
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
    if (isAt(head, "VP8X", at)) found.size = [4, 7].map((place) => 1 + (view.getUint32(body + place - 1, true) >>> 8));
    if (isAt(head, "VP8 ", at)) found.size ??= [6, 8].map((place) => view.getUint16(body + place, true) & 0x3fff);
    if (isAt(head, "VP8L", at)) {
      const bits = view.getUint32(body + 1, true);
      found.size ??= [1 + (bits & 0x3fff), 1 + ((bits >>> 14) & 0x3fff)];
    }
    if (isAt(head, "EXIF", at)) found.exif = readExif(head.subarray(body, body + length));
    at = body + length + (length % 2);
  }
}

/** Read whatever of a file's Exif is sound: the first directory and the Exif directory. */
export function readExif(block) {
  while (isAt(block, EXIF_HEAD)) block = block.subarray(EXIF_HEAD.length); // some write the head twice
  const little = isAt(block, "II*\0");
  if ((!little && !isAt(block, "MM\0*")) || block.length < 8) return { main: new Map(), photo: new Map() };
  const start = new DataView(block.buffer, block.byteOffset).getUint32(4, little);
  const budget = { left: MAX_TOTAL };
  const main = readDirectory(block, start, little, budget);
  const inner = main.get(EXIF_IFD);
  return { main, photo: typeof inner === "number" ? readDirectory(block, inner, little, budget) : new Map() };
}

/** Read the sound entries of one directory. A value is a number, an array of them, text, or bytes. */
export function readDirectory(block, offset, little, budget = { left: MAX_TOTAL }) {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const tags = new Map();
  if (offset + 2 > block.length) return tags;
  const count = Math.min(view.getUint16(offset, little), MAX_ENTRIES);
  for (let at = offset + 2; at + 12 <= Math.min(block.length, offset + 2 + 12 * count); at += 12) {
    const [tag, kind, number] = [view.getUint16(at, little), view.getUint16(at + 2, little), view.getUint32(at + 4, little)];
    const size = number * (SIZES[kind] ?? 0);
    if (!(size > 0 && size <= Math.min(MAX_VALUE, budget.left)) || tags.has(tag)) continue;
    const place = size > 4 ? view.getUint32(at + 8, little) : at + 8;
    if (place + size > block.length) continue;
    budget.left -= size;
    tags.set(tag, readValue(block.subarray(place, place + size), kind, number, little));
  }
  return tags;
}

function readValue(data, kind, count, little) {
  if (kind === 2 || kind === 129) return text(data);
  if (kind === 7 || (kind === 1 && count > 1)) return data;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const ratio = (above, below) => (below ? above / below : NaN);
  const read = {
    1: (at) => view.getUint8(at), 6: (at) => view.getInt8(at),
    3: (at) => view.getUint16(at, little), 8: (at) => view.getInt16(at, little),
    4: (at) => view.getUint32(at, little), 13: (at) => view.getUint32(at, little), 9: (at) => view.getInt32(at, little),
    11: (at) => view.getFloat32(at, little), 12: (at) => view.getFloat64(at, little),
    5: (at) => ratio(view.getUint32(at, little), view.getUint32(at + 4, little)),
    10: (at) => ratio(view.getInt32(at, little), view.getInt32(at + 4, little)),
  }[kind];
  const values = Array.from({ length: count }, (_, index) => read(index * SIZES[kind]));
  return count === 1 ? values[0] : values;
}

/** UTF-8 by the newer standard, Latin-1 by habit. */
function text(data) {
  let end = data.length;
  while (end && !data[end - 1]) end -= 1;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data.subarray(0, end));
  } catch {
    return latin1(data.subarray(0, end));
  }
}

/** Look for the block that only Samsung's front camera writes, in a file's last bytes. */
export function hasFrontCameraBlock(tail) {
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  let looked = 0;
  for (let end = tail.length - 4; end >= 4 && looked < 16; end--) {
    if (tail[end] !== 0x53 || !isAt(tail, "SEFT", end)) continue;
    const length = view.getUint32(end - 4, true), start = end - 4 - length;
    if (start < 0 || length < 12 || !isAt(tail, "SEFH", start)) continue;
    looked += 1;
    const count = Math.min(view.getUint32(start + 8, true), Math.floor((length - 12) / 12));
    for (let entry = 0, at = start + 12; entry < count; entry++, at += 12) {
      if (view.getUint16(at + 2, true) !== 0x0910) continue;
      const begin = start - view.getUint32(at + 4, true), size = Math.min(view.getUint32(at + 8, true), 1024);
      // A block that begins before what was read of the file is believed by its type.
      if (begin < 0 || latin1(tail.subarray(begin, begin + size)).includes("Front_Cam_Selfie_Info")) return true;
    }
  }
  return false;
}
