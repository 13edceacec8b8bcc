#!/usr/bin/env bash
# Chromium for the tests of the explorer's page and of the report, and for the pictures: Debian's
# package, installed where there is none and the user is root. Does nothing where it is there.
set -euo pipefail
command -v chromium >/dev/null && exit 0
install="apt-get install --no-install-recommends chromium fonts-dejavu-core"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "browser: chromium is missing: sudo $install" >&2
    exit 1
fi
echo "browser: installing Debian's chromium"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive $install -y -qq
