# The commands of this project. `make` alone lists them.

# The build and the tests share these flags, and the tests import nothing with @testable, so that nothing is
# compiled twice.
RELEASE  := -c release --explicit-target-dependency-import-check error
CONVCHECK := .build/release/convcheck
SWIFT_FILES := Package.swift Sources Tests
END_TO_END := Tests/EndToEndTests
VENV := .build/venv
PEERS := .build/peers
IMAGE ?= convcheck
# Of `make fuzz`: how long each target runs, and which; all when none is named.
SECONDS ?= 180
TARGETS ?=

.DEFAULT_GOAL := help
.PHONY: help serve test fuzz sanitize bench peers attack format lint clean image

help: ## lists these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: ## installs what is missing, builds, and serves on 127.0.0.1:8080
	@scripts/setup build
	swift build $(RELEASE) --product convcheck
	@exec $(CONVCHECK) serve

test: ## installs what is missing, then checks the format, builds, and runs every test
	@scripts/setup build test
	$(call stage,format,swift format lint --strict --parallel --recursive $(SWIFT_FILES))
	$(call stage,build,swift build $(RELEASE))
	$(call stage,swift tests,swift test $(RELEASE) --disable-testable-imports --disable-xctest)
	$(call stage,python environment,$(MAKE) --no-print-directory $(VENV)/installed)
	$(call stage,end-to-end tests,$(VENV)/bin/python -m pytest $(END_TO_END))

fuzz: ## fuzzes each target for SECONDS=180, or only TARGETS="json convolve"
	@scripts/setup build
	@scripts/fuzz $(SECONDS) $(TARGETS)

sanitize: ## runs the Swift tests and a load on the server under the address and the thread sanitizer
	@scripts/setup build test
	@scripts/sanitize

bench: ## measures the formulations, then the server over HTTP
	@scripts/setup build bench
	swift build $(RELEASE) --product convcheck
	$(CONVCHECK) bench
	python3 Benchmarks/over_http.py --binary $(CONVCHECK)

peers: ## measures the formulations beside other libraries, and writes docs/benchmarks.md
	@scripts/setup build peers
	swift build $(RELEASE) --product convcheck
	@$(MAKE) --no-print-directory $(PEERS)/installed
	$(PEERS)/bin/python Benchmarks/peers.py --binary $(CONVCHECK)

attack: ## measures the server under attack: crowds, slow clients, bombs, handshakes, restarts, cut connections
	@scripts/setup build attack
	swift build $(RELEASE) --product convcheck
	python3 Benchmarks/under_attack.py --binary $(CONVCHECK)

format: ## formats the Swift files in place
	swift format --in-place --parallel --recursive $(SWIFT_FILES)

lint: ## checks the format of the Swift files
	swift format lint --strict --parallel --recursive $(SWIFT_FILES)

clean: ## removes everything that was built
	rm -rf .build .pytest_cache $(END_TO_END)/__pycache__

image: ## builds the container image `convcheck`
	docker build --file Docker/Dockerfile --tag $(IMAGE) .

$(VENV)/installed: $(END_TO_END)/requirements.txt
	python3 -m venv --clear $(VENV)
	$(VENV)/bin/pip install --quiet --requirement $<
	@touch $@

$(PEERS)/installed: Benchmarks/requirements.txt
	python3 -m venv --clear $(PEERS)
	$(PEERS)/bin/pip install --quiet --requirement $<
	@touch $@

# $(call stage,name,command): runs one stage of `make test` and says by name which one failed.
define stage
@printf '\n== %s\n' '$(1)'
@$(2) || { printf '\n*** make test: the stage "%s" failed\n' '$(1)' >&2; exit 1; }
endef
