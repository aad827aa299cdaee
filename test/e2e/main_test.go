package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/kubetest"
)

// hoop and hoopd are the programs under test, and shared the one `hoopd dev` of tests that don't kill it. TestMain sets
// them before any test runs.
var (
	hoop, hoopd string
	shared      *world
)

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) (code int) {
	dir, err := os.MkdirTemp("", "hoop-e2e-")
	if err != nil {
		return failed("make a folder", err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil { // PostgreSQL runs as another user below it
		return failed("open the folder", err)
	}
	hoop, hoopd = os.Getenv("HOOP_UNDER_TEST"), os.Getenv("HOOPD_UNDER_TEST") // programs that are built already
	for program, from := range map[*string]string{&hoop: "../../cmd/hoop", &hoopd: "../../cmd/hoopd"} {
		if *program != "" {
			continue
		}
		path := filepath.Join(dir, filepath.Base(from))
		*program = path
		if out, err := exec.Command("go", "build", "-o", path, from).CombinedOutput(); err != nil {
			return failed("build "+from+": "+string(out), err)
		}
	}
	if shared, err = newWorld(filepath.Join(dir, "shared")); err != nil {
		return failed("start hoopd dev", err)
	}
	defer func() {
		if err := shared.stop(); err != nil {
			code = failed("stop hoopd dev", err)
		}
		if code != 0 {
			fmt.Fprintf(os.Stderr, "hoopd dev said:\n%s", shared.log.tail(20_000))
		}
	}()
	defer func() {
		if err := stopClusters(); err != nil {
			code = failed("stop hoopd dev of the cluster", err)
		}
	}()
	return kubetest.Main(m)
}

func failed(what string, err error) int {
	fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
	return 1
}
