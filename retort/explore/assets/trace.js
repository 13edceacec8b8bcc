// A completion in two: what was thought, and what was answered.

const OPEN = "<think>";
const CLOSE = "</think>";

/** `{trace, answer, state}`. `state`: `closed`; `open` where the thinking never ended, then there
 * is no answer; `none` where there is no thinking and all is answer. */
export function split(text) {
  const opened = text.trimStart().startsWith(OPEN);
  const close = text.indexOf(CLOSE);
  if (close >= 0) {
    const start = opened ? text.indexOf(OPEN) + OPEN.length : 0;
    return { trace: text.slice(start, close).trim(), answer: text.slice(close + CLOSE.length).trim(), state: "closed" };
  }
  if (opened) return { trace: text.slice(text.indexOf(OPEN) + OPEN.length).trim(), answer: "", state: "open" };
  return { trace: "", answer: text, state: "none" };
}
