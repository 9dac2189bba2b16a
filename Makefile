# uploaderd. Two commands are enough: `make run`, and `make test`. `make help` lists the others.

PREFIX ?= /usr/local
DESTDIR ?=
ARGS ?=

SWIFT_PATH = $(shell packaging/find-swift)
# One set of flags for every release build, so that nothing is compiled twice; the Swift runtime is linked in, so that
# what is installed needs no toolchain.
RELEASE = --configuration release --static-swift-stdlib --disable-local-rpath --explicit-target-dependency-import-check error
BIN = .build/release
PYTHON = .venv/bin/python

# Children of one make take turns: swift build uses all cores by itself, and holds a lock on .build.
.NOTPARALLEL:
.PHONY: help run build test check format install uninstall bench soak sanitize fuzz clean build-deps test-deps

help:
	@echo 'make run [ARGS=…]          builds, then watches your own sessions in the foreground; Ctrl-C stops it'
	@echo 'make test                  everything: packaging/check, then the end-to-end tests'
	@echo 'make check                 format, build, unit tests, simulation, units'
	@echo 'make build                 the two programs, optimised: $(BIN)/uploaderd and $(BIN)/uploaderctl'
	@echo 'make install [PREFIX=$(PREFIX)] [DESTDIR=]   PREFIX=~/.local installs for you alone, without root'
	@echo 'make uninstall [PREFIX=…]  removes exactly what install put there'
	@echo 'make bench                 measures; nothing is asserted'
	@echo 'make soak                  every test at full length, then simulated days until stopped (or UPLOADER_SOAK_MINUTES=n)'
	@echo 'make sanitize              unit tests under AddressSanitizer and ThreadSanitizer'
	@echo 'make fuzz [SECONDS=600]    what reads hostile bytes, each so long under libFuzzer and AddressSanitizer'
	@echo 'make format                formats the Swift sources'
	@echo 'make clean                 removes .build and .venv'

build-deps:
	@packaging/install-deps --build

test-deps:
	@packaging/install-deps --test

build: build-deps
	@$(SWIFT_PATH) build $(RELEASE) --product uploaderd
	@env $$(packaging/find-static $(SWIFT_PATH)) $(SWIFT_PATH) build $(RELEASE) --product uploaderctl

run: build
	@if [ -n "$$SUDO_USER" ]; then \
	    echo "warning: under sudo this watches root's sessions, not $$SUDO_USER's" >&2; \
	    echo "hint: run 'make run' without sudo" >&2; fi
	@exec $(BIN)/uploaderd $(ARGS)

check: test-deps
	@packaging/check

# The simulation goes on beside the end-to-end tests.
test: test-deps
	@packaging/check --but-simulation
	@$(MAKE) --no-print-directory build
	@UPLOADERD="$${UPLOADERD:-$(CURDIR)/$(BIN)/uploaderd}" UPLOADERCTL="$${UPLOADERCTL:-$(CURDIR)/$(BIN)/uploaderctl}" \
	    UPLOADER_SIMULATION=1 packaging/end-to-end $(ARGS)

# The simulated days are lived by an optimised build, about three times as fast.
soak: test-deps build
	@$(SWIFT_PATH) build --build-tests --explicit-target-dependency-import-check error
	@UPLOADER_SOAK=1 $(SWIFT_PATH) test --skip-build --disable-xctest --filter 'PowerLossTests|FailingCallTests|PropertyTests'
	@UPLOADER_SOAK=1 UPLOADERD="$${UPLOADERD:-$(CURDIR)/$(BIN)/uploaderd}" UPLOADERCTL="$${UPLOADERCTL:-$(CURDIR)/$(BIN)/uploaderctl}" \
	    packaging/end-to-end $(ARGS)
	@$(SWIFT_PATH) build --configuration release --build-tests -Xswiftc -enable-testing --scratch-path .build/soak
	@UPLOADER_SOAK=1 $(SWIFT_PATH) test --configuration release -Xswiftc -enable-testing --scratch-path .build/soak --skip-build \
	    --disable-xctest --filter SimulationTests

bench: test-deps build
	@UPLOADER_BENCH=1 $(SWIFT_PATH) build $(RELEASE) --product redaction-bench
	@UPLOADER_BENCH=1 $(SWIFT_PATH) build $(RELEASE) --product encryption-bench
	@$(PYTHON) Tests/Bench/bench.py $(ARGS)

# Each sanitizer in a folder of its own: one build cannot hold both, and neither should undo the usual one.
sanitize: build-deps
	@for sanitizer in address thread; do \
	    echo "== $$sanitizer"; \
	    LSAN_OPTIONS="suppressions=$(CURDIR)/packaging/sanitizers/leaks:print_suppressions=0" \
	    TSAN_OPTIONS="suppressions=$(CURDIR)/packaging/sanitizers/races:print_suppressions=0" \
	        $(SWIFT_PATH) test --sanitize $$sanitizer --scratch-path .build/$$sanitizer --disable-xctest || exit 1; \
	done

fuzz: build-deps
	@Tests/Fuzz/run $(or $(SECONDS),600) $(READERS)

format:
	@$(SWIFT_PATH) format format --in-place --parallel --recursive Package.swift Sources Tests

# `make build && sudo make install` must leave no files of root in .build: under sudo what is there is installed.
install:
	@if [ -z "$$SUDO_USER" ] || [ ! -x $(BIN)/uploaderd ] || [ ! -x $(BIN)/uploaderctl ]; then \
	    if [ -n "$$SUDO_USER" ]; then \
	        echo "error: nothing is built yet, and building under sudo would leave root's files here" >&2; \
	        echo "hint: run 'make build' first, without sudo" >&2; exit 2; fi; \
	    $(MAKE) --no-print-directory build; fi
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' packaging/install-files install

uninstall:
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' packaging/install-files uninstall

clean:
	rm -rf .build .venv
