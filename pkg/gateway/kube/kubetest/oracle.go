package kubetest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Event is a line of the audit log. Of each request there are two: RequestReceived, written before anything was done, and
// ResponseComplete (or Panic) with the status. A watch, an exec and a followed log complete at their end.
type Event struct {
	Stage string
	// When the request came: the API server's clock is this machine's.
	RequestReceivedTimestamp time.Time
	RequestURI               string
	Verb                     string
	User                     struct {
		Username string
		Groups   []string
	}
	ImpersonatedUser *struct {
		Username string
		Groups   []string
		Extra    map[string][]string
	}
	SourceIPs      []string
	UserAgent      string
	ResponseStatus struct{ Code int }
	ObjectRef      struct{ Resource, Namespace, Name, Subresource, APIGroup string }
}

// AuditLog is all that the API server has logged so far: each request that reached it, ours included, at the level Metadata.
func (c *Cluster) AuditLog(t testing.TB) string { return c.read(t, "audit.log") }

// Audited answers the audit log's events that a test wants to see, in their order.
func (c *Cluster) Audited(t testing.TB, wanted func(Event) bool) []Event {
	t.Helper()
	return decoded(t, c.AuditLog(t), wanted)
}

// KubeletEvent is a line of the stand-in's log, see test/k8s/tools/kubelet/events.go. It is written before what it tells of is done.
type KubeletEvent struct {
	Time                              time.Time
	Kind, Method, URI, Pod, Container string
	Argv                              []string
	TTY                               bool
	Port                              int
	Error                             string
}

// KubeletLog is what reached the stand-in for the kubelet so far: requests, commands, ports.
func (c *Cluster) KubeletLog(t testing.TB) string { return c.read(t, "kubelet-events.log") }

// Ran answers the stand-in's events that a test wants to see, in their order.
func (c *Cluster) Ran(t testing.TB, wanted func(KubeletEvent) bool) []KubeletEvent {
	t.Helper()
	return decoded(t, c.KubeletLog(t), wanted)
}

// ServerLogs is what the servers themselves printed: a canary of a credential must not be in it, and a failed test shows it.
func (c *Cluster) ServerLogs(t testing.TB) string {
	t.Helper()
	var all strings.Builder
	for _, p := range c.processes {
		all.WriteString(c.read(t, filepath.Base(p.log)))
	}
	return all.String()
}

// AppendLog writes lines into the log of a container, as if it had printed them.
func (c *Cluster) AppendLog(t testing.TB, namespace, pod, container string, lines ...string) {
	t.Helper()
	if err := c.appendLog(namespace, pod, container, lines...); err != nil {
		t.Fatal(err)
	}
}

// appendLog writes in the format of the CRI: time, stream, F for a full line, text.
func (c *Cluster) appendLog(namespace, pod, container string, lines ...string) error {
	path := filepath.Join(c.dir, "pods", namespace, pod, container+".log")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, line := range lines {
		if _, err := f.WriteString(time.Now().UTC().Format("2006-01-02T15:04:05.000000000Z07:00") + " stdout F " + line + "\n"); err != nil {
			return err
		}
	}
	return nil
}

// PodFiles is the folder in which a pod's commands run: what they wrote is there.
func (c *Cluster) PodFiles(namespace, pod string) string {
	return filepath.Join(c.dir, "pods", namespace, pod, "files")
}

func (c *Cluster) read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// decoded reads a log of JSON lines; a line that is being written now is left out.
func decoded[E any](t testing.TB, text string, wanted func(E) bool) []E {
	t.Helper()
	var found []E
	for line := range strings.Lines(text) {
		if !strings.HasSuffix(line, "\n") {
			break
		}
		var e E
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("a log's line is no event: %v: %s", err, line)
		}
		if wanted(e) {
			found = append(found, e)
		}
	}
	return found
}
