// A file to what its header says, the end behind its pixels, and the pixels, decoded by the platform.
import { readHeader } from "./exif.js";
import { fromRgba, rint } from "./picture.js";
import { readTrailer } from "./trailer.js";
import { WORKING_SIZE } from "./working.js";

const HEAD_BYTES = 2 ** 20, MAX_BYTES = 512 * 2 ** 20;
const MAX_MEGAPIXELS = { JPEG: 256, PNG: 80, WebP: 50, TIFF: 70, BMP: 80, GIF: 70, AVIF: 60, HEIC: 70 };

/** What a photo is refused for, as a sentence. */
export class PhotoError extends Error {}

/** Try what may fail for any reason, and say what that means for the photo. */
async function trying(work, sentence) {
  try {
    return await work();
  } catch (cause) {
    throw new PhotoError(sentence, { cause });
  }
}

/** Read what stands before and behind the pixels. */
export async function open(blob) {
  if (!blob.size) throw new PhotoError("the file is empty");
  if (blob.size > MAX_BYTES) throw new PhotoError(`the file is larger than ${MAX_BYTES / 2 ** 20} MB`);
  return trying(async () => {
    const header = readHeader(new Uint8Array(await blob.slice(0, HEAD_BYTES).arrayBuffer()));
    return [header, await readTrailer(blob, header.format === "JPEG")];
  }, "the file cannot be read");
}

/** Refuse what is no picture, or promises too many pixels; then decode it. */
export async function decode(blob, { format, size, exif }) {
  const limit = MAX_MEGAPIXELS[format];
  if (!limit) throw new PhotoError(`not a picture in a supported format (${Object.keys(MAX_MEGAPIXELS).join(", ")})`);
  if (size && size[0] * size[1] > limit * 1e6) {
    const promised = `${size.join(" × ")} pixels`;
    throw new PhotoError(`its header promises ${promised}, more than the limit of ${limit} megapixels for ${format}`);
  }
  if (typeof createImageBitmap === "undefined") {
    throw new PhotoError("this platform cannot decode pictures: give {data, width, height} of RGBA instead");
  }
  return trying(() => paint(blob, format === "JPEG" ? size : null, exif.main.get(0x0112) > 1),
    "the picture is damaged, or of a kind that this browser cannot show");
}

/** Paint a picture upright; `jpeg` is the size of one that may be decoded at a smaller scale. */
async function paint(blob, jpeg, isTurned) {
  const canScale = jpeg && typeof ImageDecoder !== "undefined" && "rotation" in VideoFrame.prototype;
  const wanted = canScale ? jpeg.map((side) => Math.ceil((side * WORKING_SIZE) / Math.max(...jpeg))) : [];
  const scale = [8, 4, 2].find((each) => wanted.length && jpeg.every((side, axis) => side >= each * wanted[axis]));
  const scaled = scale ? await decodeScaled(blob, jpeg, scale, isTurned).catch(() => null) : null;
  const { source, width, height, size } = scaled ?? await decodeWhole(blob);
  try {
    const canvas = typeof OffscreenCanvas === "undefined"
      ? Object.assign(document.createElement("canvas"), { width, height }) : new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(source, 0, 0); // a frame is turned as its Exif says
    return { pixels: fromRgba(context.getImageData(0, 0, width, height)), size };
  } finally {
    source.close();
  }
}

/** Decode a JPEG at 1/2, 1/4 or 1/8, the smallest that keeps the working size, as Python does. */
async function decodeScaled(blob, size, scale, isTurned) {
  const [desiredWidth, desiredHeight] = size.map((side) => Math.ceil(side / scale));
  const data = await blob.arrayBuffer();
  const decoder = new ImageDecoder({ data, type: "image/jpeg", desiredWidth, desiredHeight, transfer: [data] });
  try {
    const { image: source } = await decoder.decode();
    const { displayWidth: width, displayHeight: height, rotation, flip } = source;
    if (isTurned && !rotation && !flip) return source.close(); // it is not told how to turn it
    return { source, width, height, size: rotation % 180 ? [...size].reverse() : size };
  } finally {
    decoder.close();
  }
}

/** Decode any picture, and shrink it to twice the working size where it is large. */
async function decodeWhole(blob) {
  const whole = await createImageBitmap(blob), { width, height } = whole, size = [width, height];
  const ratio = WORKING_SIZE / Math.max(...size);
  if (ratio >= 0.25) return { source: whole, width, height, size };
  const [resizeWidth, resizeHeight] = size.map((side) => 2 * Math.max(1, rint(side * ratio)));
  const small = createImageBitmap(whole, { resizeWidth, resizeHeight, resizeQuality: "high" });
  return { source: await small.finally(() => whole.close()), width: resizeWidth, height: resizeHeight, size };
}
