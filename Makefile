# The targets that people use: demo, test. The rest is what they and .ci/run are made of.
.DEFAULT_GOAL := build
export CGO_ENABLED := 0
VERSION := $(shell git describe --tags --always 2>/dev/null || echo 0.1.0)
LDFLAGS := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 3s
SOAK ?= 100
STATEMENTS ?= 1000000
SEED ?= 1
JOBS ?= $(shell nproc 2>/dev/null || echo 1)
SERVER ?=
WATCH ?= 10m

.PHONY: build demo test test-deps mutants fuzz fuzz-hour soak test-pgx test-pq test-18 test-kube test-regress corpus bench release-check generate clean

build: ## both programs into bin/
	go build -ldflags '$(LDFLAGS)' -o bin/hoop ./cmd/hoop
	go build -ldflags '$(LDFLAGS)' -o bin/hoopd ./cmd/hoopd

demo: build ## the whole story in this terminal; KEEP=1 stays up
	@scripts/demo.sh

test-deps: ## what the tests need, from the distribution's packages
	@scripts/test-deps.sh

test: test-deps build ## every test
	go test -timeout 25m ./...
	HOOP_STATEMENTS=300 CGO_ENABLED=1 go test -race -timeout 25m ./pkg/guard/... ./pkg/gateway/... ./pkg/tunnel/... ./localproxy/...

test-18: test-deps build ## the tests that speak with PostgreSQL, against version 18
	@scripts/test-18.sh

test-kube: test-deps build ## kubectl and helm, old and new, and informers for WATCH, against a real API server; then through hoop
	KUBE_WATCH=$(WATCH) go test -count=1 -timeout 90m -v ./pkg/gateway/kube/...
	KUBE_WATCH=$(WATCH) go test -count=1 -timeout 90m -v -run 'Cluster|Kubectl|Informers|Deletion|ValueOfASecret|InAPod|ByLabels|PortForward|PolicyAndALock' ./test/e2e/

mutants: ## the conformance suite must fail for each broken guard
	go run ./pkg/guard/guardtest/mutants

fuzz: ## a short fuzz of every decoder
	@scripts/fuzz.sh $(FUZZTIME)

fuzz-hour: ## every decoder for five minutes of a core and more; it takes two hours of one
	@scripts/fuzz.sh 60s 300

soak: build ## kill -9 of the gateway under load, SOAK times; results of 10 GiB; then STATEMENTS random statements over masked columns, a part for each core
	SOAK=$(SOAK) go test -count=1 -timeout 3h -run TestNothingRunsUnrecordedThroughKills ./test/e2e/
	LARGE=10240 LARGE_RECORDED=1024 LARGE_FIELD=1073000000 go test -count=1 -timeout 1h -v -run 'OfAnySizePasses|RecordedInFull' ./test/e2e/
	go test -c -o bin/random.test ./pkg/gateway/postgres/
	seq $(SEED) $$(($(SEED) + $(JOBS) - 1)) | xargs -P $(JOBS) -I % sh -c 'cd pkg/gateway/postgres && \
		HOOP_STATEMENTS=$$(($(STATEMENTS) / $(JOBS))) HOOP_SEED=% ../../../bin/random.test -test.timeout 12h -test.v -test.run TestRandomStatementsDontTellMaskedValues'

test-pgx: build ## pgx's own tests, directly and through hoop; SERVER=18 against that version
	@SERVER=$(SERVER) test/clients/suite.sh pgx

test-pq: build ## lib/pq's own tests, directly and through hoop; SERVER=18 against that version
	@SERVER=$(SERVER) test/clients/suite.sh pq

test-regress: build ## PostgreSQL's regression suite, directly and through hoop
	@test/clients/regress.sh

corpus: test-deps ## capture anew what clients send (test/clients/corpus)
	/usr/bin/python3 test/clients/corpus/capture.py

bench: build ## side by side: direct, two-hop TLS tunnel, PgBouncer, hoop
	@scripts/bench.sh

generate: ## completions and reference pages from the code
	go run ./cmd/hoop completion bash > completions/hoop.bash
	go run ./cmd/hoop completion zsh > completions/_hoop
	go run ./cmd/hoop completion fish > completions/hoop.fish
	go run ./cmd/hoop completion powershell > completions/hoop.ps1
	go test ./cmd/hoop/cli -run TestTheReferenceOfTheCommandLine -update

release-check:
	go run github.com/goreleaser/goreleaser/v2@v2.15.0 check

clean:
	rm -rf bin dist .cache
