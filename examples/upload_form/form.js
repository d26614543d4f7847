// Warns where a chosen photo looks like a selfie, and never stands in the way: the form works as it
// would without this file, whatever happens here.
import { SelfieDetector } from "./src/index.js";

const input = document.querySelector("input[name=photo]");
const note = document.querySelector("#note");
const loading = SelfieDetector.load(new URL("data/", import.meta.url));
loading.catch(() => {}); // told below, if anybody chooses a photo

input.addEventListener("change", async () => {
  note.textContent = "";
  const [file] = input.files;
  if (!file) return;
  try {
    const { label } = await (await loading).check(file);
    if (file !== input.files[0] || label !== "selfie") return; // another one was chosen meanwhile
    note.textContent = "This looks like a selfie. If that is what you want to share, just go on.";
  } catch (error) {
    console.warn("no hint:", error.message); // a hint is not worth an upload
  }
});
