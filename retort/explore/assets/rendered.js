// A text on the page: rendered or raw, cut where it is long, within limits of time.

import { codeBlock } from "./code.js";
import { el } from "./elements.js";
import { counted, whole } from "./numbers.js";
import { blocksOf } from "./prose.js";
import { inSlices } from "./slices.js";
import { plain } from "./visible.js";

const FIRST_CHARS = 20_000;
const RENDER_CHARS = 200_000;
const CHUNK_CHARS = 4_000;
const FORMULAS_MS = 1_500;
const FORMULAS = 1_000;
const KATEX = {
  throwOnError: false, trust: false, strict: "ignore", maxExpand: 300, maxSize: 8,
  errorColor: "currentColor",
};

/** Fill `host` with `text`. `raw`: as it is stored. `fetchWhole`: gives the whole text, or null,
 * where the given one was cut of `length` characters. A later call for a host takes its place. */
export function show(host, text, { raw = false, length = text.length, fetchWhole = null, all = false } = {}) {
  host.work?.abort();
  const work = new AbortController();
  host.work = work;
  host.classList.toggle("raw", raw);
  const body = el("div", { class: "body" });
  host.replaceChildren(body);
  const shown = all ? text : cutAt(text, FIRST_CHARS);
  const part = raw ? "" : cutAt(shown, RENDER_CHARS);
  inSlices(steps(body, part, shown.slice(part.length), work.signal), work.signal);
  if (shown.length === text.length && length <= text.length) return;
  const more = el("button", { type: "button", class: "more" },
    `Show all ${counted(length, "character")}`);
  more.addEventListener("click", async () => {
    more.disabled = true;
    const full = fetchWhole ? await fetchWhole() : text;
    if (full !== null && !work.signal.aborted) {
      show(host, full, { raw, all: true });
    } else more.disabled = false;
  });
  host.append(el("p", { class: "cut" }, `The first ${whole(shown.length)} characters. `, more));
}

function* steps(host, rendered, rest, signal) {
  const clock = { left_ms: FORMULAS_MS, left: FORMULAS };
  for (const block of rendered ? blocksOf(rendered) : []) {
    if (signal.aborted) return;
    if (block.kind === "code") {
      host.append(codeBlock(block.text, block.language));
      yield;
      continue;
    }
    const paragraph = el("p", { dir: "auto" });
    host.append(paragraph);
    for (const piece of block.pieces) {
      if (piece.kind === "math") paragraph.append(math(piece, clock));
      else for (const chunk of chunks(piece.text)) {
        paragraph.append(plain(chunk));
        yield;
      }
      yield;
    }
  }
  for (const chunk of chunks(rest)) {
    host.append(el("div", { class: "chunk", dir: "auto" }, plain(chunk)));
    yield;
  }
  if (clock.left_ms <= 0 || clock.left <= 0) {
    host.append(el("p", { class: "cut" }, "That is too much mathematics for one page: the rest of it is its source."));
  }
}

/** A formula; its source where it is invalid, or where this text had its share of them. */
export function math(piece, clock = { left_ms: FORMULAS_MS, left: 1 }) {
  const made = el("span", { class: piece.display ? "math display" : "math" });
  const began = performance.now();
  if (clock.left_ms > 0 && clock.left > 0) {
    clock.left -= 1;
    try {
      globalThis.katex.render(piece.text, made, { ...KATEX, displayMode: piece.display });
      if (!made.querySelector(".katex-error")) return made;
      made.title = made.querySelector(".katex-error").title;
    } catch (error) {
      made.title = String(error);
    } finally {
      clock.left_ms -= performance.now() - began;
    }
  }
  made.classList.add("source");
  made.replaceChildren(plain(piece.source));
  return made;
}

/** An answer or a gold: a formula where it looks like one, else its characters. */
export function answer(text) {
  if (text.length <= 400 && /[\\^_]/.test(text) && !/\n/.test(text)) {
    const bare = text.trim().replace(/^\$+|\$+$/g, "");
    return math({ text: bare, source: text, display: false });
  }
  return el("bdi", { class: "literal" }, plain(text));
}

function cutAt(text, length) {
  if (text.length <= length) return text;
  const high = text.charCodeAt(length - 1);
  return text.slice(0, high >= 0xd800 && high <= 0xdbff ? length - 1 : length);
}

/** Pieces of up to 4,000 characters, ended at the end of a line where there is one. */
function* chunks(text) {
  for (let from = 0; from < text.length; ) {
    let end = Math.min(text.length, from + CHUNK_CHARS);
    if (end < text.length) {
      const line = text.lastIndexOf("\n", end);
      if (line > from + CHUNK_CHARS / 2) end = line + 1;
      else end = from + cutAt(text.slice(from, end + 1), end - from).length;
    }
    yield text.slice(from, end);
    from = end;
  }
}
