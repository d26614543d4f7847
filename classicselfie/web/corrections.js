"use strict";
// What a person says about photos. It is kept in this browser alone, and downloaded as a CSV that
// `train`, `evaluate` and `scan --corrections` take.
window.Corrections = class {
  static WORDS = { selfie: "a selfie", other: "no selfie" };
  static #TURNS = { selfie: ["other"], not_selfie: ["selfie"] }; // of other piles: one, then the other
  static #OWN = { selfie: "selfie", not_selfie: "other" };

  #key;
  #labels;
  isKept = true; // false where the browser stores nothing

  constructor(key) {
    this.#key = `classicselfie corrections ${key}`;
    this.#labels = this.#read() ?? new Map();
  }

  of(photo) {
    return this.#labels.get(photo);
  }

  get size() {
    return this.#labels.size;
  }

  get photos() {
    return [...this.#labels.keys()];
  }

  say(photo, label) {
    this.#labels = this.#read() ?? this.#labels; // another tab may have written meanwhile
    if (label) this.#labels.set(photo, label);
    else this.#labels.delete(photo);
    this.#write();
  }

  forget() {
    this.#labels = new Map();
    this.#write();
  }

  // What "wrong" says next of a photo of this pile; nothing where it takes the last answer back.
  static wrong(pile, said) {
    const turns = this.#TURNS[pile] ?? ["selfie", "other"];
    return turns[turns.indexOf(said) + 1];
  }

  // What "right" says; the detector's own answer, where it gives one.
  static right(pile, said) {
    return said === this.#OWN[pile] ? undefined : this.#OWN[pile];
  }

  // Two buttons and a line below them tell what was said and what can be.
  static show(pile, said, { wrong, right, line }) {
    const next = this.wrong(pile, said);
    const doubt = pile in this.#TURNS && next ? "Wrong, it is" : "It is";
    wrong.querySelector("span").textContent = next ? `${doubt} ${this.WORDS[next]}` : "Take it back";
    right.hidden = !(pile in this.#OWN);
    right.setAttribute("aria-pressed", Boolean(said) && said === this.#OWN[pile]);
    line.textContent = said ? `You say: ${this.WORDS[said]}.` : "";
  }

  // A key that is pressed on a photo, not in a field.
  static pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select")) return null;
    return { w: this.wrong, r: this.right }[event.key.toLowerCase()] ?? null;
  }

  // Rows of path, label and the detector's pile.
  static download(rows) {
    const field = (text) => `"${text.replaceAll('"', '""')}"`;
    const lines = [["path", "label", "machine"], ...rows].map((row) => `${row.map(field).join(",")}\r\n`);
    // The mark tells spreadsheets that it is UTF-8.
    const url = URL.createObjectURL(new Blob(["\ufeff", ...lines], { type: "text/csv" }));
    Object.assign(document.createElement("a"), { href: url, download: "corrections.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  #read() {
    try {
      const labels = Object.entries(JSON.parse(localStorage.getItem(this.#key)) ?? {});
      return new Map(labels.filter(([, label]) => label in Corrections.WORDS));
    } catch {
      return null; // the browser refuses, or somebody else wrote there
    }
  }

  #write() {
    try {
      localStorage.setItem(this.#key, JSON.stringify(Object.fromEntries(this.#labels)));
    } catch {
      this.isKept = false;
    }
  }
};
