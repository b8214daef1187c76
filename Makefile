# Everything for daily work; each target does its own set-up. `make` alone lists them.

PYTHON ?= python3
MEDULLA_HOME ?= /var/tmp/medulla-$(shell id -u)
UV_CACHE_DIR ?= $(MEDULLA_HOME)/cache/uv
export MEDULLA_HOME UV_CACHE_DIR
export UV_PYTHON_DOWNLOADS := never
export PYTHONDONTWRITEBYTECODE :=
unexport VIRTUAL_ENV

BIN := .venv/bin
INSTALLED := uv.lock pyproject.toml $(wildcard shared/gen/medulla/v1/*.py)
STACK := $(PYTHON) -m tests.stack
PATHS := $(filter tests tests/%,$(ARGS))
ONLY_UNIT := $(if $(PATHS),$(if $(filter-out tests/unit tests/unit/%,$(PATHS)),,yes))

# The distribution was named medulla before: what an older checkout has installed under that name goes.
define SYNC
@uv=$$($(STACK) uv) && python=$$($(PYTHON) -c 'import sys; print(sys.executable)') && \
  { [ ! -d .venv ] || "$$uv" pip uninstall --quiet --python .venv medulla; } && \
  "$$uv" sync --quiet --frozen --python "$$python"
endef

.DEFAULT_GOAL := help
.PHONY: help dev demo demo-bundle test test-whole test-rest e2e lint protos chart-docs docs bench fuzz chaos science release verify-release audit stack-up stack-put stack-down stack-status parts clean python style types layers protos-check shell dockerfiles

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

dev: .venv/.dev ## install all that the commands need into .venv, torch included

demo: .venv/.demo ## score the bundled real slide on this machine; needs no server
	@$(BIN)/medulla demo $(ARGS)

DEMO := out/demo-bundle
DEMO_SEED := 1
demo-bundle: .venv/.dev ## rebuild the demo's bundle: simulate a cohort with slides, embed, train; about ten minutes
	$(BIN)/medulla simulate --patients 300 --effect 1.5 --sites 5 --seed $(DEMO_SEED) --slides --out $(DEMO)
	$(BIN)/medulla embed $(DEMO) --out $(DEMO)/slide-embeddings
	$(BIN)/medulla train --cohort $(DEMO)/cohort.csv --embeddings $(DEMO)/slide-embeddings --seed $(DEMO_SEED) --refits 40 \
	  --name demo-simulated --created 2026-11-26 --out services/standalone/demo/bundle \
	  --remark 'Made by "make demo-bundle", so that the pipeline can be tried from end to end.' \
	  --remark 'The slides are regions of one CC0 slide of skin, and the effect that they carry (a hazard ratio of 1.5 per SD) was put in: where the model looks means nothing in pathology, and that the effect is found is no finding.' \
	  --remark 'Seed 1 is the first of "medulla simulate" and was set before anything was fitted; no other seed was tried for this bundle. It was made anew, with the same seed and slides, when the trainer came to fit 30 networks instead of 12, when SIMULATED relapses were moved to the times of real ones, and when variables came to have labels. When the profile came to list aliases, missing words, units and checks, only the profile in it was replaced: models, thresholds and figures are those that were fitted before. When scores came to say how far they may be read, the groups were renamed, and what their limits are worth, the risks of the cohort out of fold and the ranges of numbers were added from a repetition of the cross-validation, with the ridge of that time, which gives the limits to within 0.000005; models and limits are those that were fitted before. What the slides are made of was settled on seed 111, by how far real slides lie from them and how well the latent can be read from them.' \
	  --remark 'Before it: bundles of another simulation, seeds 0 to 5, of which 0 was shipped; and one of these commands, seed 1, on slides of tiles shuffled one by one, whose gain was 0.014 (-0.005 to 0.034). That one was dropped because real slides lay outside its distribution.'

test: ## run the tests on the real parts; ARGS="tests/unit -k grid" goes to pytest
	@$(MAKE) --no-print-directory --jobs=2 .venv/.dev $(if $(ONLY_UNIT),,parts)
	$(if $(ARGS),exec $(BIN)/pytest $(ARGS),@$(MAKE) --no-print-directory --jobs=2 --output-sync --keep-going test-whole test-rest)

WHOLE := tests/integration tests/e2e
test-whole: .venv/.dev parts ## of the tests, those of whole services and commands, which wait most of the time
	$(BIN)/pytest $(WHOLE)

test-rest: .venv/.dev parts ## and all others, which run beside them where they wait
	nice -n 19 $(BIN)/pytest $(addprefix --ignore=,$(WHOLE))

e2e: .venv/.dev ## prove images and chart on the cluster of KUBECONFIG (tests/cluster/README.md); ARGS goes to pytest
	@$(BIN)/python -m tests.support.cluster check
	@$(MAKE) --no-print-directory parts
	@$(BIN)/python -m tests.support.cluster images
	exec $(BIN)/pytest tests/cluster -v -s $(ARGS)

lint: .venv/.dev ## check style, types, layers, protos, shell scripts and Dockerfiles
	@$(MAKE) --no-print-directory --keep-going style types layers protos-check shell dockerfiles

style:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

layers:
	$(BIN)/lint-imports --no-cache --no-logo

protos-check:
	tests/protos/check

shell:
	git grep -lIE '^#!.*[ /](ba|da)?sh$$' | xargs $(BIN)/shellcheck

dockerfiles:
	git ls-files '*Dockerfile' | xargs $(BIN)/hadolint

protos: .venv/.dev ## generate shared/gen from protos/
	tests/protos/generate shared/gen

chart-docs: .venv/.dev parts ## make the chart's schema, dashboards and README
	$(BIN)/python -m tests.chart_docs

docs: .venv/.dev ## write the reference of the guide from the code, check its links, and build the guide in out/guide
	@$(BIN)/python -m tests.guide_docs

FUZZ_SECONDS ?= 300
FUZZ_SEED ?= 0
fuzz: .venv/.dev ## try seeded odd inputs on everything that reads foreign bytes: FUZZ_SECONDS=300 (3600 at most) [FUZZ_SEED=0] [ONLY=target,...]
	$(BIN)/python -m tests.fuzz --seconds "$(FUZZ_SECONDS)" --seed "$(FUZZ_SEED)" --only "$(ONLY)" $(ARGS)

bench: .venv/.bench ## measure readers, encoders, the pipeline, the services and the list of cases
	exec $(BIN)/python -m tests.bench $(ARGS)

chaos: .venv/.dev parts ## inflict seeded faults on the real parts and say which promises hold: [SIZE=laptop] [SEED=1] [ONLY=scenario] [PUBLISH=1]
	exec $(BIN)/python -m tests.chaos --size "$(or $(SIZE),laptop)" --seed "$(or $(SEED),1)" $(addprefix --only ,$(ONLY)) \
	  $(if $(PUBLISH),--publish)

science: .venv/.dev ## rebuild the figures of EVIDENCE.md: DATA=/folder [QUICK=1] [ONLY=part,...] [OUT=out/science] [PUBLISH=1]
	$(BIN)/python -m tests.studies --out "$(or $(OUT),out/science)" $(if $(DATA),--data "$(DATA)") \
	  $(if $(ONLY),--only "$(ONLY)") $(if $(QUICK),--quick) $(if $(PUBLISH),--publish)

release: .venv/.dev parts ## build wheel, chart, their SBOMs, checksums and signed provenance in out/release: KEY=ed25519.pem [REGISTRY=host]
	@$(BIN)/python -m tests.release build --key "$(KEY)" --registry "$(REGISTRY)"

verify-release: .venv/.dev ## check out/release, or OUT=folder, by its signature: KEY=public.pem
	@$(BIN)/python -m tests.release verify --key "$(KEY)" $(if $(OUT),--out "$(OUT)")

audit: python ## look up known vulnerabilities of what uv.lock pins, in the database of osv.dev: [OSV=https://address/of/its/copy]
	@uv=$$($(STACK) uv) && { "$$uv" audit --frozen --preview-features audit-command $(addprefix --service-url ,$(OSV)); status=$$?; \
	  [ $$status -ne 2 ] || echo "make audit: nothing was checked, as $(or $(OSV),osv.dev) cannot be reached from here" >&2; exit $$status; }

stack-up: .venv/.dev parts ## run the real parts and the four services on this machine
	@$(BIN)/python -m tests.stack up

stack-put: .venv/.dev ## land a slide: SLIDE=path CASE=id [CLINICAL=path]
	@$(BIN)/python -m tests.stack put --case "$(CASE)" $(if $(SLIDE),--slide "$(SLIDE)") $(if $(CLINICAL),--clinical "$(CLINICAL)")

stack-down: ## end what stack-up started
	@$(STACK) down

stack-status: ## say what stack-up runs
	@$(STACK) status

parts: python ## install Kafka, MinIO, PostgreSQL, Triton, ElasticMQ, Chromium, axe-core, the FHIR validator and the chart's tools where they are missing
	@$(STACK) install

clean: ## remove what was made in the checkout; what was installed stays in MEDULLA_HOME
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Medulla needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 1; }

.venv/.demo: $(INSTALLED) | python
	$(SYNC) --inexact --extra standalone --no-default-groups
	@touch $@

.venv/.dev: $(INSTALLED) | python
	$(SYNC) --inexact --all-extras --group judge
	@touch $@ .venv/.demo

.venv/.bench: uv.lock pyproject.toml | .venv/.dev
	$(SYNC) --inexact --all-extras --group judge --group bench
	@touch $@
