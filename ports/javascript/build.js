// Put the page together for any static host: `node build.js EXPORT SITE`.
// EXPORT is what `classicselfie export EXPORT --no-golden` wrote. The page is the service's own.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const [, , exported, site] = process.argv;
if (!site) {
  console.error("usage: node build.js EXPORT SITE");
  process.exit(2);
}
const here = fileURLToPath(new URL(".", import.meta.url)), library = join(here, "../../classicselfie");
const page = join(library, "serve/static"), assets = join(site, "static");
mkdirSync(assets, { recursive: true });
for (const name of ["page.css", "page.js", "judge.js", "icon.svg"]) cpSync(join(page, name), join(assets, name));
cpSync(join(library, "web/corrections.js"), join(assets, "corrections.js"));
cpSync(join(here, "src"), join(assets, "port/src"), { recursive: true, filter: (name) => !name.endsWith(".d.ts") });
for (const name of ["port.json", "weights.json", "yunet.bin"]) {
  cpSync(join(exported, name), join(assets, "port/data", name));
}
cpSync(join(here, "page/manifest.webmanifest"), join(site, "manifest.webmanifest"));

// What the service says in headers, the page says itself; and there is nobody to send a photo to.
const HEAD = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self'; style-src 'self'; \
img-src 'self' blob:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'">
<link rel="manifest" href="manifest.webmanifest">
`;
let html = readFileSync(join(page, "index.html"), "utf8");
for (const [text, other] of [['data-judge="service"', 'data-judge="device"'], ["<title>", `${HEAD}<title>`]]) {
  assert.ok(html.includes(text), `the page has no ${text} any more`);
  html = html.replace(text, other);
}
writeFileSync(join(site, "index.html"), html);

// The service worker keeps exactly these, and anew whenever one of them changes.
const files = readdirSync(site, { recursive: true }).map((name) => name.replaceAll("\\", "/"))
  .filter((name) => statSync(join(site, name)).isFile() && name !== "sw.js").sort();
const hash = createHash("sha256");
for (const name of files) hash.update(readFileSync(join(site, name)));
const worker = readFileSync(join(here, "page/sw.js"), "utf8");
writeFileSync(join(site, "sw.js"), worker.replace("VERSION`", `${hash.digest("hex").slice(0, 12)}\``)
  .replace("[/* FILES */]", JSON.stringify(["./", ...files])));

// What a phone downloads, as it is and after gzip.
const sizes = { module: [0, 0], "port.json": [0, 0], "weights.json": [0, 0], "yunet.bin": [0, 0], page: [0, 0] };
for (const name of [...files, "sw.js"]) {
  const bytes = readFileSync(join(site, name)), part = name.split("/").at(-1);
  const row = sizes[name.includes("port/src/") ? "module" : part in sizes ? part : "page"];
  row[0] += bytes.length;
  row[1] += gzipSync(bytes, { level: 9 }).length;
}
for (const [part, [size, packed]] of Object.entries(sizes)) console.log(`${part}: ${size} bytes, ${packed} after gzip`);
