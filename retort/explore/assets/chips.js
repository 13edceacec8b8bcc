// The filters that are on, each with a button that takes it off.

import { FACETS, RANGES, changed, go, listAddress } from "./address.js";
import { el } from "./elements.js";
import { TITLES, valueText } from "./facets.js";
import { plain } from "./visible.js";

/** Show the filters of a query in `host`. */
export function showChips(host, query) {
  const chips = [];
  const chip = (title, text, without) =>
    chips.push(el("button", {
      type: "button", class: "chip", "aria-label": `Without ${title} ${text}`,
      on: { click: () => go(listAddress(without)) },
    }, el("span", { class: "key" }, title), el("bdi", {}, plain(text)), el("span", { class: "off", "aria-hidden": "true" }, "×")));
  if (query.get("q")) chip("text", query.get("q"), changed(query, { q: null }));
  if (query.get("marked")) chip("marked", "yes", changed(query, { marked: null }));
  for (const name of FACETS) {
    const values = query.getAll(name);
    for (const value of values) {
      chip(TITLES[name].toLowerCase(), valueText(name, value),
        changed(query, { [name]: values.filter((other) => other !== value) }));
    }
  }
  for (const name of RANGES) {
    const [low, high] = [query.get(`${name}_min`), query.get(`${name}_max`)];
    if (low === null && high === null) continue;
    const text = low === null ? `≤ ${high}` : high === null ? `≥ ${low}` : low === high ? low : `${low} to ${high}`;
    chip(TITLES[name].toLowerCase(), text, changed(query, { [`${name}_min`]: null, [`${name}_max`]: null }));
  }
  if (chips.length > 1) {
    chips.push(el("button", { type: "button", class: "clear", on: { click: () => go("/") } }, "Clear all"));
  }
  host.replaceChildren(...chips);
}
