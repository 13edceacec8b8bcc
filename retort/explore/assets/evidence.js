// Why a verdict is what it is: the answer that was read, what decided, the case that failed.

import { codeBlock, guessed } from "./code.js";
import { el } from "./elements.js";
import { counted, whole } from "./numbers.js";
import { answer } from "./rendered.js";
import { plain } from "./visible.js";

const CODE_LINES = 2;

/** A list of what the grader left, without what it did not leave; null where it left nothing. */
export function evidence(candidate) {
  const made = el("dl", { class: "evidence" });
  const row = (name, ...value) => {
    const wide = value[0] instanceof HTMLDetailsElement;
    made.append(el("dt", { class: wide ? "wide" : null }, name), el("dd", { class: wide ? "wide" : null }, ...value));
  };
  if (candidate.extracted) row("Extracted", extracted(candidate.extracted));
  else if (candidate.verdict) row("Extracted", el("span", { class: "hush" }, "nothing"));
  if (candidate.method) row("Decided by", el("bdi", {}, plain(candidate.method)));
  if (candidate.total !== null && candidate.total !== undefined) row("Tests", ...tests(candidate));
  if (candidate.detail) row("Detail", el("bdi", { class: "detail" }, plain(candidate.detail.slice(0, 4000))));
  return made.hasChildNodes() ? made : null;
}

function tests({ passed, total }) {
  const bar = el("span", { class: passed === total ? "tests all" : "tests", "aria-hidden": "true" });
  bar.style.setProperty("--rate", total ? (passed ?? 0) / total : 0);
  return [bar, ` ${passed ?? 0} of ${whole(total)} passed`];
}

function extracted(text) {
  if (!/\n/.test(text) && text.length <= 400) return answer(text);
  const lines = text.split("\n").length;
  const folded = el("details", { open: lines <= CODE_LINES },
    el("summary", {}, `Extracted: ${counted(lines, "line")}`));
  folded.append(codeBlock(text.slice(0, 20_000), guessed(text)));
  return folded;
}
