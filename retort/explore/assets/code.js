// Source code as coloured elements, made from highlight.js's tokens and not from its markup.

import hljs from "./vendor/highlight/core.min.js";
import { plain } from "./visible.js";

const HIGHLIGHT_CHARS = 20_000;
const NAMES = ["bash", "c", "cpp", "diff", "go", "haskell", "java", "javascript", "json", "julia",
  "kotlin", "latex", "markdown", "plaintext", "python", "r", "ruby", "rust", "sql", "typescript",
  "xml", "yaml"];
const loaded = Promise.all(
  NAMES.map(async (name) => {
    const grammar = await import(`./vendor/highlight/languages/${name}.min.js`);
    hljs.registerLanguage(name, grammar.default);
  }),
);

/** A block of code; without colours where the language is unknown or the text is long. */
export function codeBlock(text, language) {
  const code = document.createElement("code");
  code.append(plain(text));
  const block = document.createElement("pre");
  block.className = "code";
  block.tabIndex = 0;
  block.dir = "ltr";
  block.append(code);
  if (language && text.length <= HIGHLIGHT_CHARS) {
    loaded.then(() => {
      if (!hljs.getLanguage(language)) return;
      const found = hljs.highlight(text, { language, ignoreIllegals: true });
      if (found.errorRaised) return;
      code.className = "hljs";
      code.replaceChildren(...found._emitter.rootNode.children.map(token));
    });
  }
  return block;
}

/** The language of a program that says none: C++ where it includes, else Python. */
export const guessed = (text) => (/^\s*#\s*include\b/m.test(text) ? "cpp" : "python");

function token(node) {
  if (typeof node === "string") return plain(node);
  const made = document.createElement("span");
  if (node.scope) made.className = classOf(node.scope);
  made.append(...node.children.map(token));
  return made;
}

function classOf(scope) {
  const [first, ...rest] = scope.split(".");
  return [`hljs-${first}`, ...rest.map((part, n) => part + "_".repeat(n + 1))].join(" ");
}
