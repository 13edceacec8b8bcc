# Retort: `make demo` runs the whole path, `make test` passes every test; both set everything up.
.PHONY: demo data gpu-smoke rehearse rehearse-quick test test-gpu soak check pictures setup setup-data \
	setup-gpu sandbox browser docker-stop bootstrap help

BIN := $(or $(RETORT_VENV),.venv)/bin

# The profile that `setup` makes, also where it is only needed by one of these targets.
PROFILE := full
gpu-smoke test-gpu setup-gpu: PROFILE := gpu
# The sandbox images that a target uses.
IMAGES := python
test test-gpu soak: IMAGES := python cpp scorers

help:
	@grep -E '^## ' $(MAKEFILE_LIST) | sed 's/^## //'

## make demo         the whole path on recipes/demo.toml: teacher, grading, dataset, students, scores
demo: setup sandbox
	$(BIN)/luigi --module pipelines DistillAll --recipe recipes/demo.toml

## make data         only the data stage, on real responses that exist already; no torch, no GPU
data: setup-data
	$(BIN)/luigi --module pipelines BuildDataset --recipe recipes/import-example.toml

## make gpu-smoke    the demonstration with settings for a GPU (docs/gpu.md)
gpu-smoke: setup sandbox
	$(BIN)/luigi --module pipelines DistillAll --recipe recipes/gpu-smoke.toml

## make rehearse     the data path at 800,000 samples, with a funnel that is known before; SAMPLES=…
##                   takes another number, FOLDER=… another place; started again it goes on
## make rehearse-quick  the same with 4,000 samples, in two minutes
rehearse: setup sandbox
	$(BIN)/python benchmarks/rehearsal.py --folder $(or $(FOLDER),build/rehearsal) $(if $(SAMPLES),--samples $(SAMPLES))

rehearse-quick: setup sandbox
	$(BIN)/python benchmarks/rehearsal.py --quick

## make test         every test but those for a GPU (about 20 minutes on two cores)
test: setup sandbox browser
	RETORT_NO_SKIPS=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m "not soak and not gpu"

## make test-gpu     the tests that need a GPU
test-gpu: setup sandbox
	RETORT_NO_SKIPS=1 $(BIN)/python -m pytest -m gpu

## make soak         the long proofs
soak: setup sandbox
	$(BIN)/python -m pytest -m soak -rP

## make check        ruff, pyright (strict) and import-linter
check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

## make pictures     the pictures of report and explorer in docs/pictures, from the latest run
pictures: setup browser
	$(BIN)/python scripts/screenshots.py

## make bootstrap    train the embedded teacher and base students anew
bootstrap: setup
	$(BIN)/luigi --module pipelines BootstrapTeacher

## make setup        .venv with everything on CPU; make setup-data: the data stage alone
## make setup-gpu    .venv with everything for an NVIDIA GPU
setup:
	@scripts/setup.sh $(PROFILE)

setup-gpu: setup

setup-data:
	@scripts/setup.sh data

# Docker answers (its engine is installed where none does and the user is root), images built.
sandbox: setup
	@$(BIN)/python -m sandboxes.engine start
	@$(BIN)/python -m sandboxes.image build $(IMAGES)

# A Chromium for the tests of the explorer and the report (installed where none is and the user is root).
browser:
	@scripts/browser.sh

## make docker-stop  stop the Docker engine that Retort started
docker-stop:
	@$(BIN)/python -m sandboxes.engine stop
