# Gantry. `make run` opens the workstation, `make test` runs every test.
SHELL := /bin/bash
GOTOOLCHAIN := $(shell GOTOOLCHAIN=auto go version >/dev/null 2>&1 && echo auto || echo local)
export GOTOOLCHAIN
export CGO_ENABLED := 1

TAGS    := seccomp netgo osusergo runc_nocriu
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X gantry/engine.version=$(VERSION) -linkmode external -extldflags "-static"
GOBUILD := go build -trimpath -buildvcs=false -tags '$(TAGS)' -ldflags '$(LDFLAGS)'
# A background job of a shell ignores SIGINT, and so would every test.
SIGNALS := $(shell env --default-signal true 2>/dev/null && echo --default-signal)
PREFIX  ?= /usr/local
SUDO    := $(if $(filter 0,$(shell id -u)),,sudo --preserve-env=PATH,GOTOOLCHAIN,GANTRY_CI,CI)

.PHONY: run build test unit e2e check bench screenshots install uninstall clean help

help: ## show this list
	@awk -F':.*## ' '/^[a-z0-9]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build and open the workstation (headless where stdout is no terminal)
	@scripts/run.sh

build: bin/gantry ## build bin/gantry, one static binary

bin/gantry: FORCE
	@scripts/deps.sh build
	$(GOBUILD) -o bin/gantry .

test: build ## every test, as root, against the real kernel and real components
	@$(SUDO) scripts/deps.sh test
	$(SUDO) env $(SIGNALS) GANTRY_CI=1 GOTOOLCHAIN=$(GOTOOLCHAIN) CGO_ENABLED=1 GANTRY_BIN=$(CURDIR)/bin/gantry \
		go test -tags '$(TAGS)' -p 2 -timeout 18m ./...

unit: ## the tests an ordinary user can run, without the network
	go test -tags '$(TAGS)' $$(go list ./... | grep -v /tests/)

check: ## formatting, vet and the import rules
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet -tags '$(TAGS)' ./...
	go test -tags '$(TAGS)' .

bench: build ## measure beside whatever peers are installed; never fails
	@$(SUDO) env GANTRY_BIN=$(CURDIR)/bin/gantry go run -tags '$(TAGS)' ./tools/bench

screenshots: build ## make the README's pictures from the real binary
	@$(SUDO) env GANTRY_BIN=$(CURDIR)/bin/gantry go run -tags '$(TAGS)' ./screenshots

install: build ## install to $(PREFIX)/bin
	install -D -m 0755 bin/gantry $(DESTDIR)$(PREFIX)/bin/gantry

uninstall: ## remove what install placed; the store stays
	rm -f $(DESTDIR)$(PREFIX)/bin/gantry

clean: ## remove build results
	rm -rf bin

FORCE:
