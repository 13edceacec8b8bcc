// The side of the list: facets with counts, and ranges.

import { FACETS, RANGES, changed, go, listAddress } from "./address.js";
import { el } from "./elements.js";
import { whole } from "./numbers.js";
import { words } from "./verdicts.js";
import { plain } from "./visible.js";

const SHOWN = 7;
export const TITLES = {
  domain: "Domain", source: "Source", verdict: "Verdict", reason: "Fate", level: "Level",
  category: "Category", teacher: "Teacher", round: "Round", finish_reason: "Finish",
  grader: "Grader", pass_rate: "Pass rate", tokens: "Tokens", chars: "Characters",
};
const PASS_RATES = [["never", null, "0"], ["sometimes", "0.0001", "0.9999"], ["always", "1", null]];

/** The value of a facet as a person reads it. */
export function valueText(name, value) {
  if (value === "" || value === null) return "none";
  return name === "verdict" || name === "reason" || name === "finish_reason" ? words(value) : String(value);
}

/** Build the side once; returns a function that shows the state of a query. */
export function side(host, about, current) {
  const updates = [];
  const first = ["verdict", "reason", "domain", "source"];
  const names = [...first, ...FACETS.filter((name) => !first.includes(name))];
  host.append(el("h2", { class: "hush" }, "Filters"));
  for (const name of names) {
    if (name === "level") for (const range of RANGES) addRange(host, about, range, current, updates);
    const values = about.facets[name];
    if (values?.length) addFacet(host, name, values, about.rows, current, updates);
  }
  return (query) => updates.forEach((update) => update(query));
}

function addFacet(host, name, values, rows, current, updates) {
  const boxes = new Map();
  const list = el("ul");
  values.forEach(([value, count], n) => {
    const box = el("input", { type: "checkbox" });
    box.addEventListener("change", () => {
      const chosen = [...boxes].filter(([, one]) => one.checked).map(([key]) => key);
      go(listAddress(changed(current(), { [name]: chosen })));
    });
    boxes.set(String(value ?? ""), box);
    const share = el("span", { class: "share", "aria-hidden": "true" });
    share.style.setProperty("--share", rows ? count / rows : 0);
    list.append(el("li", { hidden: n >= SHOWN },
      el("label", { title: String(value ?? "") }, share, box, el("bdi", { class: "value" }, plain(valueText(name, value))),
        el("span", { class: "count" }, whole(count)))));
  });
  const facet = el("details", { class: "facet", data: { facet: name }, open: values.length > 1 },
    el("summary", {}, TITLES[name], el("span", { class: "chosen" })), list);
  if (values.length > SHOWN) {
    const more = el("button", { type: "button", class: "more" }, `${values.length - SHOWN} more`);
    more.addEventListener("click", () => {
      for (const item of list.children) item.hidden = false;
      list.classList.add("long");
      more.remove();
    });
    facet.append(more);
  }
  host.append(facet);
  updates.push((query) => {
    const chosen = query.getAll(name);
    for (const [value, box] of boxes) {
      box.checked = chosen.includes(value);
      if (box.checked) box.closest("li").hidden = false;
    }
    facet.querySelector(".chosen").textContent = chosen.length ? String(chosen.length) : "";
  });
}

function addRange(host, about, name, current, updates) {
  const span = about.ranges?.[name];
  if (!span || span[0] === null || span[0] === undefined) return;
  const step = name === "pass_rate" ? "any" : "1";
  const [low, high] = ["min", "max"].map((end, n) => {
    const input = el("input", {
      type: "number", step, inputmode: "decimal", placeholder: shortened(span[n]),
      "aria-label": `${TITLES[name]}, ${end === "min" ? "at least" : "at most"}`,
    });
    input.addEventListener("change", () => {
      const value = input.value.trim() === "" || !Number.isFinite(input.valueAsNumber) ? null : input.value;
      go(listAddress(changed(current(), { [`${name}_${end}`]: value })));
    });
    return input;
  });
  const presets = name === "pass_rate" ? PASS_RATES.map(([word, least, most]) => {
    const button = el("button", { type: "button", class: "preset", "aria-pressed": "false" }, word);
    const isOn = (query) => query.get("pass_rate_min") === least && query.get("pass_rate_max") === most;
    button.addEventListener("click", () => {
      const on = isOn(current());
      go(listAddress(changed(current(), { pass_rate_min: on ? null : least, pass_rate_max: on ? null : most })));
    });
    updates.push((query) => button.setAttribute("aria-pressed", String(isOn(query))));
    return button;
  }) : [];
  host.append(el("fieldset", { class: "range", data: { range: name } }, el("legend", {}, TITLES[name]),
    presets.length ? el("div", { class: "presets" }, presets) : null,
    el("div", { class: "ends" }, low, el("span", { "aria-hidden": "true" }, "to"), high)));
  updates.push((query) => {
    low.value = query.get(`${name}_min`) ?? "";
    high.value = query.get(`${name}_max`) ?? "";
  });
}

const shortened = (n) => String(Math.round(n * 1000) / 1000);
