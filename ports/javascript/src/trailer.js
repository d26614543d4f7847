// What stands behind a JPEG's end: Samsung phones write a trailer there. classicselfie/trailer.py tells more.
import { isAt, latin1, viewOf } from "./exif.js";

const TRAILER_BYTES = 2 ** 18, SEARCH_BYTES = 2 ** 26, MAX_MARKS = 100, MAX_TRAILERS = 16, MAX_BLOCK = 1024;
const FRONT_BLOCK = 0x0910, FRONT_NAME = "Front_Cam_Selfie_Info";

/** Places of trailers' last words, from the end on. */
function* marksIn(bytes) {
  for (let at = bytes.length; at > 0 && (at = bytes.lastIndexOf(0x53, at - 1)) >= 0;) {
    if (bytes[at + 1] === 0x45 && isAt(bytes, "SEFT", at)) yield at; // a glance spares most of the looks
  }
}

/** The directory that ends before a mark: the place and the number of its entries. */
function directory(bytes, mark) {
  const view = viewOf(bytes), length = mark >= 4 ? view.getUint32(mark - 4, true) : 0, start = mark - 4 - length;
  if (start < 0 || length < 12 || !isAt(bytes, "SEFH", start)) return null;
  return { start, count: Math.min(view.getUint32(start + 8, true), Math.floor((length - 12) / 12)) };
}

/** Read a file's last bytes, or a JPEG's trailer where more stands behind that. */
export async function readTrailer(blob, isJpeg) {
  const before = async (end) => new Uint8Array(await blob.slice(Math.max(0, end - TRAILER_BYTES), end).arrayBuffer());
  const tail = await before(blob.size);
  const end = tail.findLastIndex((byte) => byte) + 1;
  if (!isJpeg || isAt(tail, "\xff\xd9", end - 2) || isAt(tail, "SEFT", end - 4)) return tail;
  let left = MAX_MARKS; // the mark may lie across two parts
  for (let stop = blob.size; stop > Math.max(0, blob.size - SEARCH_BYTES); stop -= TRAILER_BYTES - 3) {
    const part = await before(stop);
    for (const mark of marksIn(part)) {
      if (left-- <= 0) return tail;
      const trailer = await before(stop - part.length + mark + 4);
      if (directory(trailer, trailer.length - 4)) return trailer;
    }
  }
  return tail;
}

/** Look for the block that only Samsung's front camera writes. */
export function hasFrontCameraBlock(trailer) {
  const view = viewOf(trailer);
  let left = MAX_TRAILERS;
  for (const mark of marksIn(trailer)) {
    const found = directory(trailer, mark);
    if (!found) continue;
    if (left-- <= 0) return false;
    const { start, count } = found;
    for (let at = start + 12; at < start + 12 + 12 * count; at += 12) {
      if (view.getUint16(at + 2, true) !== FRONT_BLOCK) continue;
      const begin = start - view.getUint32(at + 4, true), size = Math.min(view.getUint32(at + 8, true), MAX_BLOCK);
      // A block that begins before what was read of the file is believed by its type.
      if (begin < 0 || latin1(trailer.subarray(begin, begin + size)).includes(FRONT_NAME)) return true;
    }
  }
  return false;
}
