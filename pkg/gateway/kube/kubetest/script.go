package kubetest

import (
	"bufio"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// commandTimeout bounds one command of a scenario.
const commandTimeout = 90 * time.Second

// Scenario is something that people do with a cluster. It names what it makes the same each time and removes it at its end, so
// that the transcripts of two runs are equal where two ways to the cluster are.
type Scenario struct {
	Name string
	run  func(*script)
}

// Transcript runs the scenario with the kubectl and helm of a version (Oldest, Newest), and answers each command with what it printed and its exit
// code. What differs from run to run (times, ages, versions of objects, ports, folders) is replaced by its name.
func (s Scenario) Transcript(t testing.TB, c *Cluster, kubeconfig, version string) string {
	t.Helper()
	sc := &script{t: t, cluster: c, kubeconfig: kubeconfig, version: version, dir: t.TempDir()}
	s.run(sc)
	return sc.text.String()
}

//go:embed transcripts
var transcripts embed.FS

// Reference is what the scenario's transcript was directly, as the administrator of a cluster: what it has to be through a gateway that allows everything.
func (s Scenario) Reference(t testing.TB, version string) string {
	t.Helper()
	text, err := transcripts.ReadFile(s.file(version))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (s Scenario) file(version string) string {
	return "transcripts/" + version + "/" + strings.ReplaceAll(s.Name, " ", "-") + ".txt"
}

// Update writes a transcript as the reference, below the folder of this package.
func (s Scenario) Update(t testing.TB, version, transcript string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.file(version)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.file(version), []byte(transcript), 0o644); err != nil {
		t.Fatal(err)
	}
}

// script is a scenario that is being played.
type script struct {
	t          testing.TB
	cluster    *Cluster
	kubeconfig string
	version    string
	dir        string // where its files are, and HOME
	text       strings.Builder
}

// kubectl runs kubectl and answers what it printed on stdout, unchanged.
func (s *script) kubectl(args ...string) string { return s.command("", "kubectl", args...) }

// kubectlWith runs kubectl with something to read.
func (s *script) kubectlWith(stdin string, args ...string) string {
	return s.command(stdin, "kubectl", args...)
}

// helm runs helm.
func (s *script) helm(args ...string) string { return s.command("", "helm", args...) }

// unordered runs a program and writes its lines down sorted: it prints what it has in a map.
func (s *script) unordered(name string, args ...string) {
	s.t.Helper()
	before := s.text.String()
	s.text.Reset()
	s.command("", name, args...)
	lines := slices.Sorted(strings.Lines(s.text.String()))
	s.text.Reset()
	s.text.WriteString(before + strings.TrimLeft(strings.Join(lines, ""), "\n"))
}

// command runs a program to its end and writes it down.
func (s *script) command(stdin, name string, args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), commandTimeout)
	defer cancel()
	cmd := s.prepare(ctx, name, args)
	var out, errs strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		s.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), errors.Join(err, ctx.Err()), out.String(), errs.String())
	}
	s.note("$ %s %s", name, strings.Join(args, " "))
	s.note("%s", out.String())
	if errs.Len() > 0 {
		s.note("stderr: %s", errs.String())
	}
	if err != nil {
		s.note("exit code %d", exit.ExitCode())
	}
	return out.String()
}

func (s *script) prepare(ctx context.Context, name string, args []string) *exec.Cmd {
	path := name
	if name == "kubectl" || name == "helm" {
		path = Program(s.t, "clients/"+s.version+"/"+name)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + filepath.Dir(Program(s.t, "clients/"+s.version+"/kubectl")) + ":" + os.Getenv("PATH"), "HOME=" + s.dir, "KUBECONFIG=" + s.kubeconfig,
		"EDITOR=" + filepath.Join(s.dir, "editor"), "TERM=xterm", "TMPDIR=" + s.dir, "LC_ALL=C"}
	cmd.SysProcAttr = attributes()
	return cmd
}

// running is a program that a scenario started and will stop.
type running struct {
	s     *script
	cmd   *exec.Cmd
	lines *bufio.Reader
	end   context.CancelFunc
}

// begin starts kubectl, to be read line by line and stopped.
func (s *script) begin(args ...string) *running {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), commandTimeout)
	cmd := s.prepare(ctx, "kubectl", args)
	out, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		cancel()
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is stopped, and how is not looked at
		_ = w.Close()
		close(ended)
	}()
	r := &running{s: s, cmd: cmd, lines: bufio.NewReader(out), end: func() {
		cancel()
		_ = out.Close()
		<-ended
	}}
	s.t.Cleanup(r.end)
	s.note("$ kubectl %s &", strings.Join(args, " "))
	return r
}

// await reads until a line holds the text, notes what it read, and answers that line.
func (r *running) await(text string) string {
	r.s.t.Helper()
	for {
		line, err := r.lines.ReadString('\n')
		if line != "" {
			r.s.note("%s", line)
		}
		if strings.Contains(line, text) {
			return line
		}
		if err != nil {
			r.s.t.Fatalf("kubectl ended before it printed %q: %v\n%s", text, err, r.s.text.String())
		}
	}
}

// file writes a file into the scenario's folder.
func (s *script) file(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		s.t.Fatal(err)
	}
}

// removes deletes objects behind the scenes, now and at the end.
func (s *script) removes(paths ...string) {
	remove := func() {
		for _, path := range slices.Backward(paths) {
			_, _ = s.cluster.client.do(context.Background(), "DELETE", path+"?gracePeriodSeconds=0", nil) // most are gone already
		}
	}
	remove()
	s.t.Cleanup(remove)
}

// repaired are the events of a new Service whose address the API server's controller has heard of a moment after the Service: it says that it repairs
// what is not broken, now and then.
var repaired = regexp.MustCompile(`(?m)^Events:.*\n +Type .*\n +-.*\n( +\S+ +\S+ .*ipallocator-repair-controller .*\n)+`)

// varying is what differs between two runs of the same, and its name. Columns are as wide as what stands in them, so widths are not compared.
var varying = []struct {
	re *regexp.Regexp
	as string
}{
	{regexp.MustCompile(`(?m)^[IWE]\d{4} .*\n`), ""}, // a client's own log: throttling, say
	{repaired, "Events: <none>\n"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?[+-]\d{4}|Z)?( UTC)?`), "TIME"},
	{regexp.MustCompile(`(Mon|Tue|Wed|Thu|Fri|Sat|Sun),? [A-Za-z0-9 ]+ \d\d:\d\d:\d\d( [+-]?\d{4})?`), "TIME"},
	{regexp.MustCompile(`(resourceVersion"?: ?)"?\d+"?`), "${1}VERSION"},
	{regexp.MustCompile(`(Resource Version: *)\d+`), "${1}VERSION"},
	{regexp.MustCompile(`kube-api-access-[a-z0-9]{5}`), "kube-api-access-SUFFIX"},
	{regexp.MustCompile(`10\.96\.\d+\.\d+`), "CLUSTER-IP"},
	{regexp.MustCompile(` :\d{4,5}\b`), " :PORT"},
	{regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+`), "TOKEN"},
	{regexp.MustCompile(`(LIVE|MERGED)-\d+`), "$1"},
	{regexp.MustCompile(`https?://(127\.0\.0\.1|localhost):\d+`), "SERVER"},
	{regexp.MustCompile(`(127\.0\.0\.1|localhost):\d+`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`(?m)\b(\d+d)?(\d+h)?(\d+m)?\d+[smhd](\s|$)`), "AGE$4"},
	{regexp.MustCompile(`-{4,}`), "----"},
	{regexp.MustCompile(`[ \t]+`), " "},
	{regexp.MustCompile(` \n`), "\n"},
}

// note writes into the transcript.
func (s *script) note(format string, args ...any) {
	text := strings.TrimSuffix(fmt.Sprintf(format, args...), "\n") + "\n"
	if text == "\n" {
		return
	}
	text = strings.ReplaceAll(text, s.dir, "DIR")
	for _, v := range varying {
		text = v.re.ReplaceAllString(text, v.as)
	}
	s.text.WriteString(text)
}
