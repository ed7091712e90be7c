# make            this list
# make run        a shop on this machine with the gateway in front of it, until Ctrl-C
#                   UPSTREAM=http://127.0.0.1:8000  in front of an existing shop instead
#                   APP=http://127.0.0.1:5173       the origin of your own browser app, which may use the session cookie
#                   PORT=8080 ADMIN_PORT=9090       where the gateway listens
# make test       everything, as CI does; installs what it needs on a Debian machine
# make test-short what needs nothing but Go
# make test-systemd  the package on a Debian with a systemd of its own, booted in a folder, as root; takes some minutes
# make fuzz       every fuzz target for a while (FUZZTIME=1m), then requests to the gateway and to a real WordPress
#                   (FUZZREQUESTS=30000; FUZZSEED=1 repeats the run)
# make bench      what a request costs here, in a bare proxy and in other proxies; BENCH=short takes four minutes at most
# make bench-go   Go's benchmarks of single packages, for benchstat
# make chaos      breaks Redis, the network and gateways while customers shop; exit code 1 if a figure misses its goal
#                   CHAOS=short is a part of it, within three minutes
# make soak       20 minutes of load with a fault a minute; fails on leaks and unexplained answers (SOAK=20m)
# make build      bin/cocart-gateway
# make release    dist/: archives, .deb, .rpm, checksums and bills of materials for every system (VERSION=1.2.3)
#                   SIGN_KEY=minisign.key signs the checksums
# make image      an image FROM scratch in the storage of buildah, podman or docker (VERSION=1.2.3)
#                   ARCH=amd64,arm64  for several processors
# make outdated   what is behind: Go, modules, tools, images
# make lint       golangci-lint, in the version pinned here
GO           ?= go
PORT         ?= 8080
ADMIN_PORT   ?= 9090
UPSTREAM     ?=
APP          ?=
FUZZTIME     ?= 1m
FUZZREQUESTS ?= 30000
FUZZSEED     ?= $(shell date +%s)
VERSION      ?=
SIGN_KEY     ?=
ARCH         ?=
BENCH        ?=
CHAOS        ?= full
SOAK         ?= 20m
LINT_VERSION := v2.15.0
LINT         := .tools/golangci-lint-$(LINT_VERSION)
E2E_ONE      := ^Test[ANR]
SHORT        := ./cmd/... ./gateway/... ./upstream/... ./tokens/...

help:
	@sed -n '/^[^#]/q; s/^# //p' Makefile

build:
	@$(GO) build -trimpath -o bin/cocart-gateway ./cmd/cocart-gateway

run:
ifeq ($(UPSTREAM),)
	@deploy/demo/install.sh shop
endif
	@echo "Building the gateway …"
	@$(GO) build -o bin/cocart-gateway ./cmd/cocart-gateway
	@$(GO) build -o bin/demo ./deploy/demo
	@PORT=$(PORT) ADMIN_PORT=$(ADMIN_PORT) UPSTREAM=$(UPSTREAM) APP=$(APP) bin/demo -gateway bin/cocart-gateway

test:
	deploy/demo/install.sh shop libraries redis browser node wordpress-next prometheus packages bench race
	$(GO) mod verify
	$(GO) vet ./...
	$(MAKE) --no-print-directory lint tools
	$(GO) build -race ./... # once; the three runs below would each compile the same packages
	$(MAKE) --no-print-directory -k -j3 --output-sync=target test-e2e-one test-e2e-two test-packages
	$(GO) test -run '^TestAFlood' ./tokens/attempts
	$(GO) test -race -timeout 30m ./deploy/chaos

# The end-to-end tests wait most of their time, for web servers and for the second that each refused password takes. So they
# run in two halves, each with a shop of its own, beside the other packages. The fault campaign runs alone: its shoppers give up
# after 4 s.
test-e2e-one:
	E2E_SHOP=e2e-one $(GO) test -race -timeout 30m -run '$(E2E_ONE)' ./deploy/e2e

test-e2e-two:
	E2E_SHOP=e2e-two $(GO) test -race -timeout 30m -skip '$(E2E_ONE)' ./deploy/e2e

test-packages:
	$(GO) test -race -timeout 30m $$($(GO) list ./... | grep -vE '/deploy/(e2e|chaos)$$')

test-short:
	$(GO) test -short -skip 'OnReal(Redis|Systemd|PHP)' $(SHORT)

test-systemd:
	@deploy/systemd/real.sh

# go test takes one fuzz target of one package at a time, and would spend up to a minute on making one input shorter.
fuzz:
	@$(GO) list $(SHORT) | while read -r package; do \
		$(GO) test -list '^Fuzz' $$package | grep '^Fuzz' | while read -r target; do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5s $$package || exit 1; \
		done || exit 1; \
	done
	deploy/demo/install.sh shop redis
	FUZZREQUESTS=$(FUZZREQUESTS) FUZZSEED=$(FUZZSEED) $(GO) test -count=1 -timeout 2h -v -run TestGatewayAndWordPressReadEachRequestAlike ./deploy/e2e

bench:
	deploy/demo/install.sh bench
	@$(GO) build -o bin/bench ./deploy/bench
	@bin/bench $(if $(filter short,$(BENCH)),-short)

chaos:
	deploy/demo/install.sh redis bench
	CHAOS=$(CHAOS) $(GO) test -count=1 -timeout 60m -v -run '^TestCampaign' ./deploy/chaos

soak:
	deploy/demo/install.sh redis bench
	CHAOS=full SOAK=$(SOAK) $(GO) test -count=1 -timeout 6h -v -run '^TestSoak' ./deploy/chaos

bench-go:
	$(GO) test -run '^$$' -bench . -benchmem ./gateway ./tokens ./upstream ./cmd/cocart-gateway ./deploy/wordpress

lint: $(LINT)
	$(LINT) run ./...

$(LINT):
	@echo "Building golangci-lint $(LINT_VERSION), once; this takes some minutes …"
	@GOBIN=$(CURDIR)/.tools $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	@mv .tools/golangci-lint $(LINT)

outdated:
	@$(GO) run ./deploy/outdated

release: .tools/nfpm .tools/cyclonedx-gomod
	@$(GO) run ./deploy/packages -version "$(VERSION)" -sign-key "$(SIGN_KEY)"

image:
	@$(GO) run ./deploy/packages -version "$(VERSION)" -image cocart-gateway -out dist/image $(if $(ARCH),-arch "$(ARCH)")

tools: .tools/nfpm .tools/cyclonedx-gomod .tools/helm .tools/kubeconform

.tools/nfpm: TOOL = github.com/goreleaser/nfpm/v2/cmd/nfpm
.tools/cyclonedx-gomod: TOOL = github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod
.tools/nfpm .tools/cyclonedx-gomod: deploy/packages/tools/go.mod deploy/packages/tools/go.sum
	@echo "Building $@, once …"
	@cd deploy/packages/tools && $(GO) build -trimpath -buildvcs=false -o $(CURDIR)/$@ $(TOOL)

.tools/helm: TOOL = helm.sh/helm/v4/cmd/helm
.tools/kubeconform: TOOL = github.com/yannh/kubeconform/cmd/kubeconform
.tools/helm .tools/kubeconform: deploy/helm/tools/go.mod deploy/helm/tools/go.sum
	@echo "Building $@, once …"
	@cd deploy/helm/tools && $(GO) build -trimpath -buildvcs=false -o $(CURDIR)/$@ $(TOOL)

clean:
	rm -rf bin dist .tools

.PHONY: help build run test test-e2e-one test-e2e-two test-packages test-short test-systemd fuzz bench bench-go chaos soak lint outdated release image tools clean
