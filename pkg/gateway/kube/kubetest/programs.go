package kubetest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// The clients that scripts/kube.sh brings. Oldest execs over SPDY, Newest over WebSocket.
const (
	Oldest = "v24" // kubectl 1.24, helm 3.9
	Newest = "v36" // kubectl 1.36, helm 4.2
)

// Kubectl is the path of a kubectl: Oldest or Newest.
func Kubectl(t testing.TB, version string) string { return Program(t, "clients/"+version+"/kubectl") }

// Helm is the path of a helm: Oldest or Newest.
func Helm(t testing.TB, version string) string { return Program(t, "clients/"+version+"/helm") }

// Program is the path of another program of scripts/kube.sh, such as informers. It fails the test where the program is missing.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := program(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// program looks in .cache/k8s of the repository that the test runs in.
func program(name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find %s: %w", name, err)
	}
	for {
		path := filepath.Join(dir, ".cache", "k8s", filepath.FromSlash(name))
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no %s in .cache/k8s: run scripts/kube.sh", name)
		}
		dir = parent
	}
}
