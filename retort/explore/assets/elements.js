// Elements made from data: text goes in as text, never as markup.

const FORBIDDEN = /^(on|srcdoc$|innerhtml$|outerhtml$|style$)/i;

/** An element. `properties`: `class`, `on` (listeners), `data` (data-*), else attributes; true is
 * an empty attribute, false, null and undefined are none. Children: nodes, texts, or neither. */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") made.className = value;
    else if (name === "on") for (const [type, act] of Object.entries(value)) made.addEventListener(type, act);
    else if (name === "data") Object.assign(made.dataset, value);
    else if (FORBIDDEN.test(name)) throw new Error(`el: ${name} is not set from data`);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  add(made, ...children);
  return made;
}

/** Append nodes and texts; null, undefined and false are left out. */
export function add(parent, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    parent.append(child instanceof Node ? child : String(child));
  }
}

/** What the page says in passing; screen readers read it too. */
export function say(text) {
  const said = document.getElementById("said");
  said.textContent = text;
  said.classList.add("shown");
  clearTimeout(say.timer);
  say.timer = setTimeout(() => said.classList.remove("shown"), 2600);
}
