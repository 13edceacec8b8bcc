// A problem with all its candidates side by side.

import * as api from "./api.js";
import { go, problemAddress } from "./address.js";
import { candidateColumn } from "./candidate.js";
import { el } from "./elements.js";
import { counted } from "./numbers.js";
import { statement } from "./statement.js";
import { kindOf, signOf, words } from "./verdicts.js";

const COLUMNS = [["one", "One"], ["two", "Two"], ["all", "All"]];

/** The view in `host`: `show(state)`, `keys(event)`. `list` says which rows were looked at. */
export function problemView(host, list) {
  let state = null;
  let asked = null;
  let columns = [];
  let watch = null;

  async function show(wanted) {
    const same = state && state.id === wanted.id && columns.length;
    const before = state;
    state = wanted;
    if (same) {
      layout();
      if (before.candidate !== wanted.candidate) reveal(wanted.candidate);
      return;
    }
    asked?.abort();
    asked = new AbortController();
    const { signal } = asked;
    host.setAttribute("aria-busy", "true");
    try {
      build(await api.problem(state.id, signal));
    } catch (error) {
      if (signal.aborted) return;
      columns = [];
      host.replaceChildren(el("p", { class: "message" }, error.message, " ", el("a", { href: list.address() }, "All rows")));
    } finally {
      if (!signal.aborted) host.removeAttribute("aria-busy");
    }
  }

  function build(found) {
    watch?.disconnect();
    columns = found.candidates.map((one) => candidateColumn(one, state.id));
    const side = el("div", { class: "columns", role: "group", "aria-label": "Candidates" }, columns);
    watch = new IntersectionObserver((entries) => {
      for (const entry of entries) if (entry.isIntersecting) entry.target.fill();
    }, { rootMargin: "200px 600px" });
    columns.forEach((column) => watch.observe(column));
    const squares = found.candidates.map((one, n) => el("button", {
      type: "button", class: `square ${kindOf(one.verdict)}`, data: { candidate: one.candidate_id },
      title: `№ ${one.index ?? n}: ${words(one.verdict)}`, "aria-label": `Candidate ${one.index ?? n}, ${words(one.verdict)}`,
      on: { click: () => choose(n) },
    }, signOf(one.verdict)));
    const toggles = COLUMNS.map(([name, title]) => el("button", {
      type: "button", data: { columns: name }, on: { click: () => go(problemAddress({ ...state, columns: name }), { replace: true }) },
    }, title));
    host.replaceChildren(
      el("div", { class: "left", tabindex: "0", role: "region", "aria-label": "Problem" },
        el("nav", { class: "way-back", "aria-label": "Rows" }, el("a", { href: list.address(), class: "back" }, "← Rows"), neighbours()),
        statement(found)),
      el("div", { class: "right" },
        el("div", { class: "bar" }, el("h2", {}, counted(columns.length, "candidate")),
          el("div", { class: "squares", role: "group", "aria-label": "Go to a candidate" }, squares),
          el("div", { class: "segments", role: "group", "aria-label": "Columns" }, toggles)),
        side));
    layout();
    document.title = `${state.id} · Retort explorer`;
    reveal(state.candidate);
  }

  function neighbours() {
    const ids = [...new Set(list.rows().map((row) => row.problem_id))];
    const at = ids.indexOf(state.id);
    const link = (to, text, rel) => ids[to] !== undefined
      ? el("a", { href: problemAddress({ id: ids[to], columns: state.columns }), rel }, text) : null;
    return at < 0 ? null : el("span", { class: "neighbours" }, link(at - 1, "‹ before", "prev"), link(at + 1, "next ›", "next"));
  }

  function layout() {
    const side = host.querySelector(".columns");
    side.dataset.columns = state.columns;
    for (const button of host.querySelectorAll("[data-columns]")) {
      if (button !== side) button.setAttribute("aria-pressed", String(button.dataset.columns === state.columns));
    }
  }

  function reveal(id) {
    const chosen = columns.find((column) => column.dataset.candidate === id);
    for (const column of columns) column.classList.toggle("chosen", column === chosen);
    for (const square of host.querySelectorAll(".square")) {
      if (square.dataset.candidate === id) square.setAttribute("aria-current", "true");
      else square.removeAttribute("aria-current");
    }
    const target = chosen ?? columns[0];
    if (!target) return;
    target.fill();
    if (!chosen) return;
    target.scrollIntoView({ inline: "center", block: "nearest" });
    target.focus({ preventScroll: true });
  }

  function choose(n) {
    const column = columns[Math.min(columns.length - 1, Math.max(0, n))];
    if (column) go(problemAddress({ ...state, candidate: column.dataset.candidate }), { replace: true });
  }

  function keys(event) {
    const focused = columns.findIndex((column) => column.contains(document.activeElement));
    const at = focused >= 0 ? focused : columns.findIndex((column) => column.classList.contains("chosen"));
    const column = columns[at] ?? columns[0];
    if (event.key === "j" || event.key === "k") choose(at < 0 ? 0 : at + (event.key === "j" ? 1 : -1));
    else if (event.key === "m" && column) dispatchEvent(new CustomEvent("retort:mark", { detail: column.candidate }));
    else if (event.key === "t" && column) column.toggleTrace();
    else if (event.key === "r" && column) column.toggleRaw();
    else if (event.key === "]" || event.key === "[") {
      host.querySelector(event.key === "]" ? ".neighbours a[rel=next]" : ".neighbours a[rel=prev]")?.click();
    } else if (event.key === "Enter" && document.activeElement === column) column.toggleTrace();
    else if (event.key === "Escape") go(list.address());
    else return false;
    return true;
  }

  addEventListener("retort:marked", ({ detail }) => {
    columns.find((column) => column.dataset.candidate === detail.candidate_id)?.setMark(detail.marked, detail.note);
  });
  return { show, keys };
}
