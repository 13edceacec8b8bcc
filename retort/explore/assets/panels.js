// The panels: what is looked at, and the marks.

import * as api from "./api.js";
import { listAddress, problemAddress } from "./address.js";
import { el } from "./elements.js";
import { whole } from "./numbers.js";
import { plain } from "./visible.js";

const KEYS = [["/", "search"], ["j k", "next, previous row or candidate"], ["Enter", "open a row; unfold a trace"],
  ["t", "fold or unfold the trace"], ["r", "raw or rendered"], ["m", "mark"], ["[ ]", "page or problem before, after"],
  ["Esc", "back to the rows"], ["?", "this panel"]];

/** Show what is looked at: name, counts, keys. */
export function showAbout(dialog, about, search) {
  const facts = el("dl", { class: "about" });
  const row = (name, value) => facts.append(el("dt", {}, name), el("dd", {}, plain(String(value))));
  row(about.kind === "dataset" ? "Dataset" : "Run", about.name);
  if (about.title && about.title !== about.name) row("Title", about.title);
  row("Problems", whole(about.problems));
  row(about.kind === "dataset" ? "Rows" : "Candidates", whole(about.rows));
  for (const [value, count] of about.facets.reason ?? []) if (value === "kept") row("Rows of the dataset", whole(count));
  row("Text index", search.state === "building" ? `being built, ${whole(search.done)} of ${whole(search.total)}` : search.state);
  row("File of marks", about.marks.file);
  open(dialog, "About", facts, el("h3", {}, "Keys"),
    el("dl", { class: "keys" }, KEYS.map(([key, does]) => [el("dt", {}, key.split(" ").map((one) => el("kbd", {}, one))), el("dd", {}, does)])));
}

/** Show the marks, each with its note and a link. */
export async function showMarks(dialog) {
  let marks;
  try {
    marks = await api.marks();
  } catch (error) {
    open(dialog, "Marks", el("p", { class: "message" }, error.message));
    return;
  }
  const close = () => dialog.close();
  const items = marks.toReversed().map((mark) => el("li", {},
    el("a", { href: problemAddress({ id: mark.problem_id, candidate: mark.candidate_id }), on: { click: close } },
      el("bdi", {}, plain(mark.problem_id || mark.candidate_id))),
    el("span", { class: "id" }, plain(mark.candidate_id)),
    mark.note ? el("p", { class: "note", dir: "auto" }, plain(mark.note)) : null));
  open(dialog, "Marks", items.length
    ? [el("p", {}, el("a", { href: listAddress(new URLSearchParams({ marked: "1" })), on: { click: close } }, "Show them as rows")), el("ol", { class: "marks" }, items)]
    : el("p", { class: "hush" }, "No row is marked yet: press m on a row, or the star of a candidate."));
}

function open(dialog, title, ...children) {
  dialog.replaceChildren(
    el("div", { class: "dialog-head" }, el("h2", { id: "panel-title" }, title),
      el("button", { type: "button", class: "quiet", "aria-label": "Close", on: { click: () => dialog.close() } }, "×")),
    el("div", { class: "dialog-body" }, ...children));
  if (!dialog.open) dialog.showModal();
}
