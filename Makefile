# `make help` lists what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
TORCH := 2.13.0
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
MATHEMATICS := tests/layers tests/losses tests/models tests/cartwheel placevec/layers placevec/losses placevec/models
COMPUTING := $(MATHEMATICS) tests/training placevec/training
NETWORKS := tests/cartwheel tests/end_to_end tests/layers tests/losses tests/models tests/recipes tests/training

# A line `target: ... ## words` is what `make help` prints.
.PHONY: help install demo train check format test test-networks test-tensorflow test-jax test-browser test-slow test-torch coverage bench docs lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 16

install: $(VENV)/.installed  ## make .venv with pinned dependencies and the package (4 GB, 2 minutes)

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed: make PYTHON=python3.12 ..."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --no-deps --require-hashes -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	$(PIP) install --quiet --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

# The CPU build: the one on PyPI for Linux brings gigabytes of CUDA along.
$(VENV)/.installed-torch: $(VENV)/.installed-dev requirements-torch.lock
	$(PIP) install --quiet --no-deps --require-hashes -r requirements-torch.lock
	$(PIP) install --quiet --no-deps --retries 1 --index-url $(TORCH_INDEX) torch==$(TORCH) || \
	  { echo "No CPU build of torch $(TORCH) at $(TORCH_INDEX): name another with TORCH_INDEX="; exit 2; }
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed requirements-docs.lock
	$(PIP) install --quiet --no-deps --require-hashes -r requirements-docs.lock
	@touch $@

$(VENV)/.installed-browser: $(VENV)/.installed-dev requirements-browser.lock
	$(PIP) install --quiet --no-deps --require-hashes -r requirements-browser.lock
	@command -v chromedriver >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && apt-get update -q && apt-get install -y -q chromium chromium-driver; } || \
	  { echo "The browser tests need Chromium: install chromium and chromium-driver"; exit 2; }
	@touch $@

demo: install  ## describe the photos that ship with placevec, find them again, draw a picture
	$(BIN)/placevec demo

train: install  ## render a small town, train on it, print recall before and after
	$(BIN)/python noveou_train_netvlad_v3.py --overwrite

check: $(VENV)/.installed-dev  ## lint, format, spelling, imports, types, doctests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/lint-imports
	$(BIN)/pyright
	$(BIN)/python -m pytest placevec tests/end_to_end/test_documents.py tests/end_to_end/test_spelling.py

format: $(VENV)/.installed-dev  ## repair what ruff can repair
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# All at once: none of them keeps two cores busy.
test: $(VENV)/.installed-dev  ## run the quick tests on TensorFlow and JAX
	$(MAKE) --jobs=3 --output-sync=none --no-print-directory test-networks test-tensorflow test-jax

# What builds networks, on TensorFlow, and everything else.
test-networks: $(VENV)/.installed-dev
	KERAS_BACKEND=tensorflow $(BIN)/python -m pytest -m "not slow" $(NETWORKS)

test-tensorflow: $(VENV)/.installed-dev
	KERAS_BACKEND=tensorflow $(BIN)/python -m pytest -m "not slow" $(addprefix --ignore=,$(NETWORKS))

# The rooms that compute with Keras: the others say the same on every backend. What is compiled here
# runs once or twice.
test-jax: $(VENV)/.installed-dev
	KERAS_BACKEND=jax JAX_DISABLE_MOST_OPTIMIZATIONS=1 \
	  $(BIN)/python -m pytest -m "not slow and not one_backend" $(COMPUTING)

test-torch: $(VENV)/.installed-torch  ## run the tests of layers, losses and models on PyTorch
	KERAS_BACKEND=torch $(BIN)/python -m pytest -m "not slow" $(MATHEMATICS) \
	  tests/training/step/devices/test_open_devices.py

# Without a browser these tests are skipped elsewhere; here they must run.
test-browser: $(VENV)/.installed-browser  ## drive the report in a real browser, headless Chromium
	PLACEVEC_BROWSER=1 $(BIN)/python -m pytest tests/evaluation/report/test_browser.py

# Property tests try more examples here, other ones each time.
test-slow: $(VENV)/.installed-dev  ## run the slow tests, and property tests on many examples (up to an hour)
	$(BIN)/python -m pytest -rs -m "slow or hypothesis" --hypothesis-profile=thorough
	KERAS_BACKEND=jax $(BIN)/python -m pytest -m slow tests/training

# Subprocesses of tests are not counted.
coverage: $(VENV)/.installed-dev  ## list the lines that no test runs on TensorFlow
	KERAS_BACKEND=tensorflow $(BIN)/python -m coverage run --source placevec -m pytest -m "not slow"
	$(BIN)/python -m coverage report --show-missing --skip-covered

# The short form of each benchmark that has one: whether it runs, not what it gains.
bench: install  ## run each benchmark in its short form
	@for file in $$(grep -l "short: bool" benchmarks/*.py); do \
	  echo "== $$file --short"; \
	  TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python $$file --short; code=$$?; \
	  case $$code in 0) ;; 2) echo "left out: it needs more, see above";; *) exit $$code;; esac; \
	done

# NO_MKDOCS_2_WARNING: mkdocs-material advertises its successor.
docs: $(VENV)/.installed-docs  ## build the documentation as a site in build/site (150 MB more)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "open build/site/index.html"

# Needs uv (https://docs.astral.sh/uv). Keeps what is pinned unless UPGRADE=--upgrade.
lock:  ## pin the dependencies again (needs uv)
	uv pip compile pyproject.toml --extra jax --extra headless --extra collect --extra ros --extra gltf \
	  --extra fast --extra int8 --extra milvus --extra heif --universal \
	  --python-version 3.11 --generate-hashes --no-header $(UPGRADE) --quiet -o requirements.lock
	uv pip compile --group dev --constraints requirements.lock --universal --python-version 3.11 \
	  --generate-hashes --no-annotate --no-header $(UPGRADE) --quiet -o requirements-dev.lock
	printf '%s\n' filelock fsspec jinja2 mpmath networkx setuptools sympy typing-extensions | \
	  uv pip compile - --constraints requirements.lock --universal --python-version 3.11 \
	  --generate-hashes --no-annotate --no-header $(UPGRADE) --quiet -o requirements-torch.lock
	uv pip compile --group docs --constraints requirements.lock --universal --python-version 3.11 \
	  --generate-hashes --no-annotate --no-header $(UPGRADE) --quiet -o requirements-docs.lock
	echo selenium | uv pip compile - --constraints requirements.lock --universal --python-version 3.11 \
	  --generate-hashes --no-annotate --no-header $(UPGRADE) --quiet -o requirements-browser.lock

clean:  ## remove .venv and what builds leave
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .coverage .import_linter_cache
