// Characters that hide or reorder text, made visible; everything else as it is.

const HIDDEN = /([\0-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F\u200B\u2028\u2029\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]|\p{Cs})\1*|\p{M}{6,}/gu;
const CHIPS = 500;
const NAMES = {
  0x202a: "left-to-right embedding", 0x202b: "right-to-left embedding",
  0x202c: "end of embedding or override", 0x202d: "left-to-right override",
  0x202e: "right-to-left override", 0x2066: "left-to-right isolate",
  0x2067: "right-to-left isolate", 0x2068: "first strong isolate", 0x2069: "end of isolate",
  0x200b: "zero width space", 0xfeff: "byte order mark", 0: "null",
};

/** The text as nodes: control characters, overrides of direction, lone surrogates and piles of
 * combining marks are small labels; beyond 500 of them the replacement character. */
export function plain(text) {
  const made = document.createDocumentFragment();
  let from = 0;
  let chips = 0;
  let pending = "";
  for (const match of text.matchAll(HIDDEN)) {
    pending += text.slice(from, match.index);
    from = match.index + match[0].length;
    if (chips >= CHIPS) {
      pending += "\uFFFD";
      continue;
    }
    made.append(pending, chip(match[0], match[1]));
    pending = "";
    chips += 1;
  }
  made.append(pending + text.slice(from));
  return made;
}

function chip(run, character) {
  const made = document.createElement("span");
  made.className = "hidden-character";
  if (character === undefined) {
    made.textContent = `${run.length} combining marks`;
    return made;
  }
  const code = character.codePointAt(0);
  const times = run.length / character.length;
  made.textContent = `U+${code.toString(16).toUpperCase().padStart(4, "0")}${times > 1 ? `×${times}` : ""}`;
  made.title = NAMES[code] ?? (code >= 0xd800 && code <= 0xdfff ? "half of a character" : "control character");
  return made;
}
