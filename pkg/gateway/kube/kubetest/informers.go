package kubetest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Counts are the events of one resource that an informer saw, and how many objects its cache held at the end.
type Counts struct{ Added, Updated, Deleted, Left int }

// Seen is what client-go's informers saw of a namespace, and how often a watch or a list failed.
type Seen struct {
	Pods, Secrets Counts
	Errors        int
	LastError     string `json:"last_error"`
}

// Churned is what was done meanwhile, each once a round: a pod and a secret were made, the secret changed, both were deleted.
type Churned struct{ Rounds int }

// Informers watches the namespace stg with client-go's informers for a time, while pods and secrets come and go, one round each interval.
// accept are the media types that it asks for: "" for those of the library. What was seen has to follow from what was done: see the test of this package.
func (c *Cluster) Informers(t testing.TB, kubeconfig, accept string, length, interval time.Duration) (Seen, Churned) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), length+commandTimeout)
	defer cancel()
	const last = "informers-last"
	cmd := exec.CommandContext(ctx, Program(t, "informers"), "--kubeconfig", kubeconfig, "--namespace", "stg", "--for", (length + commandTimeout).String(), "--until", last, "--accept", accept)
	cmd.SysProcAttr = attributes()
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); line != "synced\n" {
		t.Fatalf("the informers said %q: %v: %s", line, err, errs.String())
	}
	done := c.churn(t, length, interval)
	c.make(t, last)
	var seen Seen
	if err := json.NewDecoder(lines).Decode(&seen); err != nil {
		t.Fatalf("the informers' report: %v: %s", err, errs.String())
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the informers: %v: %s", err, errs.String())
	}
	c.unmake(t, last)
	return seen, done
}

// churn makes, changes and deletes until time is up.
func (c *Cluster) churn(t testing.TB, length, interval time.Duration) Churned {
	t.Helper()
	var done Churned
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for end := time.Now().Add(length); time.Now().Before(end); <-tick.C {
		name := fmt.Sprintf("churned-%d", done.Rounds)
		c.make(t, name)
		c.expect(t, 200, "PATCH", "/api/v1/namespaces/stg/secrets/"+name, `{"stringData":{"password":"changed"}}`)
		c.unmake(t, name)
		done.Rounds++
	}
	return done
}

func (c *Cluster) make(t testing.TB, name string) {
	t.Helper()
	c.expect(t, 201, "POST", "/api/v1/namespaces/stg/pods", fmt.Sprintf(`{"metadata":{"name":%q},"spec":{"containers":[{"name":"app","image":"registry.example.com/churned:1"}]}}`, name))
	c.expect(t, 201, "POST", "/api/v1/namespaces/stg/secrets", fmt.Sprintf(`{"metadata":{"name":%q},"stringData":{"password":%q}}`, name, CanarySecret))
}

func (c *Cluster) unmake(t testing.TB, name string) {
	t.Helper()
	c.expect(t, 200, "DELETE", "/api/v1/namespaces/stg/pods/"+name, `{"gracePeriodSeconds":0}`)
	c.expect(t, 200, "DELETE", "/api/v1/namespaces/stg/secrets/"+name, "")
}

func (c *Cluster) expect(t testing.TB, want int, method, path, body string) {
	t.Helper()
	if status, text := c.Do(t, method, path, body); status != want {
		t.Fatalf("%s %s: %d: %s", method, path, status, text)
	}
}
