// One candidate as a column: verdict and evidence, answer, trace, journey, and its buttons.

import * as api from "./api.js";
import { problemAddress } from "./address.js";
import { copyButton } from "./copying.js";
import { add, el, say } from "./elements.js";
import { evidence } from "./evidence.js";
import { fatesOf, journey } from "./journey.js";
import { counted, duration } from "./numbers.js";
import { show } from "./rendered.js";
import { split } from "./trace.js";
import { badge, words } from "./verdicts.js";
import { plain } from "./visible.js";

/** The column; `fill()` puts the texts in and may be called when it comes into view. */
export function candidateColumn(candidate, problem_id) {
  const fates = fatesOf(candidate);
  const state = { raw: false, filled: false };
  let parts = split(candidate.text ?? "");
  const column = el("article", {
    class: "candidate", tabindex: "0", id: `candidate-${candidate.candidate_id}`,
    "aria-label": `Candidate ${candidate.index ?? ""}, ${words(candidate.verdict)}`,
    data: { candidate: candidate.candidate_id },
  });
  const answer = el("div", { class: "text" });
  const trace = el("div", { class: "text" });
  const length = el("span", { class: "length" }, lengthOf(parts, candidate));
  const folded = el("details", { class: "trace" }, el("summary", {}, "Trace", length), trace);
  const wholeOf = (part) => async () => {
    if (!await getWhole()) return null;
    return parts[part];
  };
  async function getWhole() {
    if (!candidate.cut) return true;
    try {
      candidate.text = await api.wholeText(candidate.candidate_id);
    } catch (error) {
      say(error.message);
      return false;
    }
    candidate.cut = false;
    parts = split(candidate.text);
    length.textContent = lengthOf(parts, candidate);
    return true;
  }
  const fillTrace = () => show(trace, parts.trace, {
    raw: state.raw, fetchWhole: wholeOf("trace"),
    length: candidate.cut && parts.state === "open" ? candidate.chars : parts.trace.length,
  });
  const fillAnswer = () => {
    if (parts.answer || parts.state === "none") {
      show(answer, parts.answer, { raw: state.raw, fetchWhole: wholeOf("answer"), length: candidate.cut ? candidate.chars : parts.answer.length });
    } else if (candidate.cut) {
      const more = el("button", { type: "button", class: "more" }, `Read all ${counted(candidate.chars, "character")}`);
      more.addEventListener("click", async () => await getWhole() && fillAnswer());
      answer.replaceChildren(el("p", { class: "cut" }, "It begins further down. ", more));
    } else answer.replaceChildren(el("p", { class: "hush" }, parts.state === "open" ? "None: the thinking never ended." : "Empty."));
  };
  folded.addEventListener("toggle", () => folded.open && !trace.hasChildNodes() && fillTrace());
  const raw = el("button", { type: "button", class: "small", "aria-pressed": "false", title: "Texts as they are stored (r)" }, "Raw");
  raw.addEventListener("click", () => {
    state.raw = !state.raw;
    raw.setAttribute("aria-pressed", String(state.raw));
    fillAnswer();
    if (folded.open) fillTrace();
    else trace.replaceChildren();
  });
  const mark = el("button", { type: "button", class: "small mark", title: "Mark for review (m)" });
  mark.addEventListener("click", () => dispatchEvent(new CustomEvent("retort:mark", { detail: { ...candidate, problem_id } })));
  column.showMark = () => {
    mark.textContent = candidate.marked ? "★ Marked" : "☆ Mark";
    mark.setAttribute("aria-pressed", String(Boolean(candidate.marked)));
    column.classList.toggle("marked", Boolean(candidate.marked));
    note.replaceChildren(plain(candidate.note ?? ""));
    note.hidden = !candidate.note;
  };
  const note = el("p", { class: "note", dir: "auto", hidden: true });
  column.showMark();
  add(column,
    el("header", {}, el("h3", {}, `№ ${candidate.index ?? "–"}`), badge(candidate.verdict),
      candidate.finish_reason === "length" ? el("span", { class: "finish" }, "cut at the limit") : null),
    el("div", { class: "buttons" }, mark, raw,
      copyButton("Copy id", candidate.candidate_id, () => candidate.candidate_id),
      el("a", { class: "small", href: problemAddress({ id: problem_id, candidate: candidate.candidate_id }), title: "A link to this candidate" }, "Link")),
    note, evidence(candidate),
    fates.length ? journey(fates) : null,
    parts.state === "none" ? el("p", { class: "hush no-trace" }, "No trace: the text has no <think>.") : folded,
    el("h4", {}, "Answer"), answer, facts(candidate));
  column.fill = () => {
    if (state.filled) return;
    state.filled = true;
    fillAnswer();
  };
  column.toggleTrace = () => { folded.open = !folded.open; };
  column.toggleRaw = () => raw.click();
  column.candidate = { ...candidate, problem_id };
  column.setMark = (marked, text) => {
    candidate.marked = marked;
    candidate.note = text;
    column.candidate = { ...candidate, problem_id };
    column.showMark();
  };
  return column;
}

function lengthOf(parts, candidate) {
  if (parts.state !== "open") return counted(parts.trace.length, "character");
  return candidate.cut ? `of ${counted(candidate.chars, "character")}` : `${counted(parts.trace.length, "character")}, never closed`;
}

function facts(candidate) {
  const made = el("ul", { class: "facts" });
  const fact = (text, title) => made.append(el("li", { title }, plain(text)));
  if (candidate.teacher) fact(candidate.teacher, "Teacher");
  if (candidate.round !== null && candidate.round !== undefined) fact(`round ${candidate.round}`);
  if (candidate.tokens !== null && candidate.tokens !== undefined) fact(counted(candidate.tokens, "token"));
  fact(counted(candidate.chars ?? 0, "character"));
  if (candidate.wall_s !== null && candidate.wall_s !== undefined) fact(duration(candidate.wall_s), "Time from request to completion");
  if (candidate.finish_reason) fact(`finish ${candidate.finish_reason}`);
  if (candidate.rewrites) fact(`rewrites ${candidate.rewrites}`);
  fact(candidate.candidate_id, "Candidate id");
  return made;
}
