// Text -> blocks: paragraphs with mathematics in them, and fenced code (Asymptote's `[asy]` too).
// No other Markdown.
// The time is linear in the length of the text, whatever it holds.

const FENCE = /^ {0,3}(`{3,}|~{3,})[ \t]*([^\s`]*)[^`\n]*$/;
const OPENER = /\\\\|\\\$|\\\(|\\\[|\$\$|\$|\\begin\{((?:align|aligned|gather|gathered|equation|multline|cases|array|matrix|[pbvV]matrix)\*?)\}/g;
const FORMULA_CHARS = 4000;
const WORDS = /[A-Za-z]{3,}\s+[A-Za-z]{2,}/;

/** Blocks in order: `{kind: "paragraph", pieces: [{kind: "text"|"math", text, display, source}]}`
 * and `{kind: "code", language, text}`. */
export function blocksOf(text) {
  const blocks = [];
  let prose = [];
  let fence = null;
  const endProse = () => {
    if (prose.length) blocks.push(...paragraphs(prose.join("\n")));
    prose = [];
  };
  for (const line of text.split("\n")) {
    const match = FENCE.exec(line);
    if (fence === null && line.trim() === "[asy]") {
      endProse();
      fence = { mark: "[/asy]", language: "", lines: [] };
    } else if (fence?.mark === "[/asy]" && line.trim() === fence.mark) {
      blocks.push({ kind: "code", language: "", text: fence.lines.join("\n") });
      fence = null;
    } else if (fence === null && match) {
      endProse();
      fence = { mark: match[1], language: match[2].toLowerCase(), lines: [] };
    } else if (fence !== null && match && match[2] === "" && match[1].startsWith(fence.mark)) {
      blocks.push({ kind: "code", language: fence.language, text: fence.lines.join("\n") });
      fence = null;
    } else (fence === null ? prose : fence.lines).push(line);
  }
  if (fence !== null) blocks.push({ kind: "code", language: fence.language, text: fence.lines.join("\n") });
  endProse();
  return blocks;
}

function paragraphs(text) {
  const made = [];
  let pieces = [];
  const end = () => {
    if (pieces.some((piece) => piece.kind === "math" || piece.text.trim())) {
      made.push({ kind: "paragraph", pieces });
    }
    pieces = [];
  };
  for (const piece of piecesOf(text)) {
    if (piece.kind === "math") {
      pieces.push(piece);
      continue;
    }
    piece.text.split(/\n[ \t]*\n\s*/).forEach((part, n) => {
      if (n > 0) end();
      if (part) pieces.push({ kind: "text", text: part });
    });
  }
  end();
  return made;
}

/** Text and formulas in order. `$…$` is a formula only where it cannot be money: no space inside
 * the signs, no digit after them, no words without a sign of mathematics between them. */
export function piecesOf(text) {
  const next = finder(text);
  const pieces = [];
  let from = 0;
  OPENER.lastIndex = 0;
  for (let match = OPENER.exec(text); match; match = OPENER.exec(text)) {
    const found = formula(text, match, next);
    if (found === null) {
      if (match[0] === "$$") OPENER.lastIndex = match.index + 2;
      continue;
    }
    if (match.index > from) pieces.push({ kind: "text", text: text.slice(from, match.index) });
    pieces.push({ kind: "math", ...found, source: text.slice(match.index, found.end) });
    from = found.end;
    OPENER.lastIndex = from;
  }
  if (from < text.length) pieces.push({ kind: "text", text: text.slice(from) });
  return pieces;
}

function formula(text, match, next) {
  const [opener, environment] = match;
  const start = match.index + opener.length;
  if (opener === "\\\\" || opener === "\\$") return null;
  if (opener === "$") return dollars(text, start, next);
  const closer = { "\\(": "\\)", "\\[": "\\]", $$: "$$" }[opener] ?? `\\end{${environment}}`;
  const at = next(closer, start);
  if (at < 0 || at - start > FORMULA_CHARS || at === start) return null;
  const end = at + closer.length;
  const tex = environment ? text.slice(match.index, end) : text.slice(start, at);
  return tex.trim() ? { text: tex, display: opener !== "\\(", end } : null;
}

function dollars(text, start, next) {
  let at = next("$", start);
  while (at > 0 && text[at - 1] === "\\") at = next("$", at + 1);
  if (at <= start || at - start > FORMULA_CHARS) return null;
  const blank = next("\n\n", start);
  if (blank >= 0 && blank < at) return null;
  const tex = text.slice(start, at);
  if (/^\s|\s$/.test(tex) || /[0-9]/.test(text[at + 1] ?? "")) return null;
  if (!/[\\^_=]/.test(tex) && (WORDS.test(tex) || /^[\d.,]+\s*[-–/]$/.test(tex))) return null;
  return { text: tex, display: false, end: at + 1 };
}

/** Where a needle stands next; each is looked for once over the whole text, as places only grow. */
function finder(text) {
  const known = new Map();
  return (needle, from) => {
    const before = known.get(needle);
    if (before !== undefined && (before < 0 || before >= from)) return before;
    const at = text.indexOf(needle, from);
    known.set(needle, at);
    return at;
  };
}
