#!/usr/bin/env bash
# Fetch again what the explorer's page takes from others: KaTeX and highlight.js, with npm.
# Usage: scripts/vendor_assets.sh [--write]
# The files must have the digests of retort/explore/assets/vendor/SHA256SUMS, else nothing is
# replaced; --write is for another version: it replaces the files and writes their digests.
set -euo pipefail
cd "$(dirname "$0")/.."
vendor=retort/explore/assets/vendor
katex=0.19.1
highlight=11.12.0
languages=(bash c cpp diff go haskell java javascript json julia kotlin latex markdown plaintext \
    python r ruby rust sql typescript xml yaml)

stop() { printf 'vendor_assets: %s\n' "$*" >&2; exit 1; }

command -v npm >/dev/null || stop "npm is needed: apt-get install npm"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The files of one package of npm, under $scratch/$1.
fetch() {
    mkdir -p "$scratch/$1"
    (cd "$scratch/$1" && npm pack --silent "$2" >/dev/null && tar xzf ./*.tgz) ||
        stop "npm has no $2, or cannot be reached; see \`npm pack $2\`"
}

fetch katex "katex@$katex"
fetch highlight "@highlightjs/cdn-assets@$highlight"

new=$scratch/vendor
mkdir -p "$new/katex/fonts" "$new/highlight/languages"
from=$scratch/katex/package
cp "$from/LICENSE" "$from/dist/katex.min.js" "$from/dist/katex.min.css" "$new/katex/"
cp "$from"/dist/fonts/*.woff2 "$new/katex/fonts/"
from=$scratch/highlight/package
cp "$from/LICENSE" "$from/es/core.min.js" "$new/highlight/"
for language in "${languages[@]}"; do
    cp "$from/es/languages/$language.min.js" "$new/highlight/languages/"
done
chmod -R u=rwX,go=rX "$new"

if [ "${1:-}" = --write ]; then
    (cd "$new" && find . -type f | LC_ALL=C sort | xargs sha256sum) >"$scratch/SHA256SUMS"
    mv "$scratch/SHA256SUMS" "$vendor/SHA256SUMS"
fi
(cd "$new" && sha256sum --quiet -c "$OLDPWD/$vendor/SHA256SUMS") ||
    stop "expected the digests of $vendor/SHA256SUMS, found others (above); nothing was replaced"
rm -rf "$vendor/katex" "$vendor/highlight"
cp -r "$new/katex" "$new/highlight" "$vendor/"
echo "vendor_assets: KaTeX $katex and highlight.js $highlight are in $vendor"
