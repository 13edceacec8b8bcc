// Buttons that copy a text.

import { el, say } from "./elements.js";

/** A small button that copies what `text()` gives. */
export function copyButton(label, title, text) {
  const button = el("button", { type: "button", class: "small", title }, label);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      say("Copied");
    } catch {
      say("The browser does not allow copying here");
    }
  });
  return button;
}
