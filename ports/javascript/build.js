// Put the page together for any static host: `node build.js EXPORT SITE`.
// EXPORT is what `classicselfie export EXPORT --no-golden` wrote.
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const [, , exported, site] = process.argv;
if (!site) {
  console.error("usage: node build.js EXPORT SITE");
  process.exit(2);
}
const here = fileURLToPath(new URL(".", import.meta.url));
const look = join(here, "../../classicselfie/serve/static"); // the page looks as the service's
mkdirSync(site, { recursive: true });
for (const name of ["page.css", "icon.svg"]) cpSync(join(look, name), join(site, name));
cpSync(join(here, "page"), site, { recursive: true });
cpSync(join(here, "src"), join(site, "src"), { recursive: true });
for (const name of ["port.json", "weights.json", "yunet.bin"]) {
  cpSync(join(exported, name), join(site, "data", name));
}

// The service worker keeps exactly these, and anew whenever one of them changes.
const files = readdirSync(site, { recursive: true }).filter((name) => statSync(join(site, name)).isFile() && name !== "sw.js").sort();
const hash = createHash("sha256");
for (const name of files) hash.update(readFileSync(join(site, name)));
const list = JSON.stringify(["./", ...files.map((name) => relative(site, join(site, name)))]);
const worker = readFileSync(join(here, "page/sw.js"), "utf8");
writeFileSync(join(site, "sw.js"), worker.replace('"VERSION"', `"${hash.digest("hex").slice(0, 12)}"`).replace("[/* FILES */]", list));
