package kubetest_test

import (
	"os"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/kubetest"
)

// A list and a watch of each resource see every change, however long they take: KUBE_WATCH=10m for the long run.
func TestInformersSeeEveryChangeDirectly(t *testing.T) {
	length := 2 * time.Second
	if text := os.Getenv("KUBE_WATCH"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	c := kubetest.Start(t)
	for name, accept := range map[string]string{"the library's own": "", "json": "application/json", "protobuf": "application/vnd.kubernetes.protobuf"} {
		t.Run(name, func(t *testing.T) {
			seen, done := c.Informers(t, c.Kubeconfig(t, c.RobotToken), accept, length, 100*time.Millisecond)
			t.Logf("%d rounds: %+v", done.Rounds, seen)
			compare(t, seen, done)
		})
	}
}

// compare holds what was seen against what was done: each change once, and nothing missed.
func compare(t *testing.T, seen kubetest.Seen, done kubetest.Churned) {
	t.Helper()
	want := kubetest.Counts{Added: 2 + done.Rounds, Updated: done.Rounds, Deleted: done.Rounds, Left: 3} // db-credentials and registry; the last one is in the cache
	if seen.Secrets != want {
		t.Errorf("secrets: %+v were seen, and %+v happened", seen.Secrets, want)
	}
	if p := seen.Pods; p.Added != 1+done.Rounds || p.Deleted != done.Rounds || p.Left != 2 || p.Updated < done.Rounds/2 {
		t.Errorf("pods: %+v in %d rounds", p, done.Rounds)
	}
	if seen.Errors != 0 || done.Rounds < 3 {
		t.Errorf("%d rounds, %d errors: %s", done.Rounds, seen.Errors, seen.LastError)
	}
}
