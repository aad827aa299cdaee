package streams_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/spdy"
	"github.com/hoop-gateway/hoop/pkg/gateway/kube/streams"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

var leaks = []policy.Mask{{Name: "leaks", Detect: []string{"email"}, As: "redact"}}

// told is what the client gets in a stream until it ends, or the connection does.
func (p *peer) told(stream uint32) string {
	p.t.Helper()
	var text strings.Builder
	for {
		f, err := p.frames.Next()
		if err != nil {
			return text.String()
		}
		if f.Stream == stream {
			text.Write(f.Data)
			if f.Fin {
				return text.String()
			}
		}
	}
}

func (r *rig) openAll(kinds ...string) {
	r.t.Helper()
	for i, k := range kinds {
		r.open(uint32(2*i+1), k)
	}
}

// N7: the cluster's credential may lie in a pod, or come back from what it was sent to.
func TestTheCredentialIsNotSeenInOutput(t *testing.T) {
	const token = "eyJhbGciOiJSUzI1NiJ9.canary-token-3f9a1c"
	encoded := base64.RawStdEncoding.EncodeToString([]byte(token))
	for _, plan := range []streams.Plan{whole, terminal} {
		a, j := admitted(t, plan, &rules{})
		a.Secrets = body.NewSecrets(token)
		r, _ := behind(t, a)
		kinds := []string{"error", "stdin", "stdout", "stderr"}
		if plan.TTY {
			kinds[3] = "resize"
		}
		r.openAll(kinds...)
		for _, piece := range []string{"$ ", token[:9], token[9:20], token[20:] + " " + encoded[:30], encoded[30:], " end"} {
			r.must(r.cluster.Data(5, []byte(piece), false))
		}
		r.must(r.cluster.Data(5, nil, true))
		if got := r.client.told(5); got != "$ eyJhbGci*** ZXlKaGJH*** end" { // no more than how every such token begins
			t.Errorf("the client got %q", got)
		}
		if !plan.TTY {
			r.must(r.cluster.Data(7, []byte(encoded), true))
			if got := r.client.told(7); got != "***" {
				t.Errorf("the client got %q", got)
			}
		}
		r.must(r.cluster.Data(1, []byte(`{"status":"Failure","reason":"InternalError","message":"with `+token+`"}`), true))
		if got := r.client.told(1); !strings.Contains(got, `"with ***"`) {
			t.Errorf("the client got %q", got)
		}
		r.must(r.client.conn.Close())
		_ = r.over()
		for _, secret := range []string{token, token[10:], encoded} {
			if j.has(secret) {
				t.Errorf("recorded %v", j.events)
			}
		}
		if !j.has("canary") && !j.has("***") {
			t.Errorf("nothing is recorded: %v", j.events)
		}
	}
}

func TestACommandIsRecordedAsItsClientSawIt(t *testing.T) {
	a, j := admitted(t, whole, &rules{masks: leaks})
	r, outcome := behind(t, a)
	r.openAll("error", "stdin", "stdout", "stderr")
	r.must(r.client.Data(3, []byte("select\n"), true))
	r.cluster.want(`DATA 3 "select\n" fin`)
	for _, piece := range []string{"to alice@exam", "ple.com today\n"} { // no cut hides it
		r.must(r.cluster.Data(5, []byte(piece), false))
	}
	r.must(r.cluster.Data(5, nil, true))
	if got := r.client.told(5); got != "to *** today\n" {
		t.Errorf("the client got %q", got)
	}
	r.must(r.cluster.Data(7, []byte("no bob@example.com"), true))
	if got := r.client.told(7); got != "no ***" {
		t.Errorf("the client got %q", got)
	}
	r.must(r.cluster.Data(1, []byte(`{"status":"Failure","reason":"NonZeroExitCode","message":"for carol@example.com","details":{"causes":[{"reason":"ExitCode","message":"4"}]}}`), true))
	if got := r.client.told(1); !strings.Contains(got, `"for ***"`) || !strings.Contains(got, `"message":"4"`) {
		t.Errorf("the client got %q", got)
	}
	r.must(r.cluster.conn.Close())
	r.client.rest()
	if err := r.over(); err != nil {
		t.Error(err)
	}
	if o := <-outcome; o.Tag != "exit 4" || o.Error != "" || o.Bytes != int64(len("to *** today\nno ***")) {
		t.Errorf("outcome %+v", o)
	}
	if !j.has(`"command":1,"what":"exec","input":"none"`) || !j.has(`"status":4`) || !j.shows("*** today") || !j.shows("no ***") {
		t.Errorf("recorded %v, %q", j.events, j.rows.String())
	}
	for _, name := range []string{"alice", "bob", "carol"} {
		if j.has(name) || j.shows(name) {
			t.Errorf("%s is recorded", name)
		}
	}
}

func TestATerminalIsRecordedWithItsSizes(t *testing.T) {
	plan := terminal
	plan.What = streams.Attach
	a, j := admitted(t, plan, &rules{})
	r, outcome := behind(t, a)
	r.openAll("error", "stdin", "stdout", "resize")
	r.must(r.client.Data(7, []byte(`{"Width":132,"Height":43}`), false))
	r.cluster.next()
	r.must(r.cluster.Data(5, []byte("$ "), true))
	r.client.want(`DATA 5 "$ " fin`)
	r.must(r.cluster.Data(1, []byte(success), true))
	r.client.told(1)
	r.must(r.client.conn.Close()) // a client may leave once it was told
	if err := r.over(); !errors.Is(err, streams.ErrLeft) {
		t.Error(err)
	}
	if o := <-outcome; o.Tag != "exit 0" || o.Error != "" {
		t.Errorf("outcome %+v", o)
	}
	if !j.has(`"command":1,"what":"attach","pty":true,"input":"none"`) || !j.has(`"status":0`) || !j.shows("\x00\x00\x00\x84\x00\x00\x00\x2b") {
		t.Errorf("recorded %v, %q", j.events, j.rows.String())
	}
}

// What runs on is held to the policy of now with every piece, either way.
func TestAChangedPolicyEndsARunningCommand(t *testing.T) {
	for name, change := range map[string]func(*rules){
		"a denial":        func(r *rules) { r.denies = true },
		"other detectors": func(r *rules) { r.masks = leaks },
		"other limits":    func(r *rules) { r.limits.Command.Bytes.Max = 5 },
	} {
		for way, send := range map[string]func(r *rig) error{
			"input":  func(r *rig) error { return r.client.Data(3, []byte("typed"), false) },
			"output": func(r *rig) error { return r.cluster.Data(5, []byte("secret"), false) },
		} {
			t.Run(name+" "+way, func(t *testing.T) {
				policies := &rules{}
				a, j := admitted(t, whole, policies)
				r, outcome := behind(t, a)
				r.openAll("error", "stdin", "stdout")
				r.must(r.client.Data(3, []byte("before"), false))
				r.cluster.want(`DATA 3 "before"`)
				policies.set(change)
				r.must(send(r))
				if got := strings.Join(r.client.rest(), " "); strings.Contains(got, "secret") || !strings.Contains(got, "Forbidden") {
					t.Errorf("the client got %s", got)
				}
				if got := r.cluster.rest(); len(got) > 0 {
					t.Errorf("the cluster got %v", got)
				}
				var refused *guard.Refusal
				if err := r.over(); !errors.As(err, &refused) {
					t.Error(err)
				}
				if o := <-outcome; o.Error != "denied" || !j.has(`"error":"denied"`) {
					t.Errorf("outcome %+v, recorded %v", o, j.events)
				}
			})
		}
	}
}

func TestNothingPassesThatCanNotBeRecorded(t *testing.T) {
	for way, send := range map[string]func(r *rig) error{
		"input":  func(r *rig) error { return r.client.Data(3, []byte("typed"), false) },
		"output": func(r *rig) error { return r.cluster.Data(5, []byte("secret"), false) },
		"size":   func(r *rig) error { return r.client.Data(7, []byte(`{"Width":1,"Height":2}`), false) },
	} {
		a, j := admitted(t, terminal, &rules{})
		r, _ := behind(t, a)
		r.openAll("error", "stdin", "stdout", "resize")
		j.mu.Lock()
		j.fail = errors.New("disk full at /recordings")
		j.mu.Unlock()
		r.must(send(r))
		if got := strings.Join(r.client.rest(), " "); strings.Contains(got, "secret") || strings.Contains(got, "/recordings") {
			t.Errorf("%s: the client got %s", way, got)
		}
		if got := r.cluster.rest(); len(got) > 0 {
			t.Errorf("%s: the cluster got %v", way, got)
		}
		if err := r.over(); err == nil || errors.Is(err, streams.ErrLeft) {
			t.Errorf("%s: %v", way, err)
		}
	}
}

func TestALimitOnBytesCutsTheOutput(t *testing.T) {
	policies := &rules{limits: policy.NoLimits()}
	policies.limits.Command.Bytes = policy.Bound{Rule: "small", Max: 10}
	a, _ := admitted(t, whole, policies)
	r, outcome := behind(t, a)
	r.openAll("error", "stdin", "stdout")
	r.must(r.cluster.Data(5, []byte("12345678"), false))
	r.client.want(`DATA 5 "12345678"`)
	r.must(r.cluster.Data(5, []byte("too much"), false))
	if got := strings.Join(r.client.rest(), " "); strings.Contains(got, "too") || !strings.Contains(got, "small") {
		t.Errorf("the client got %s", got)
	}
	r.over() //nolint:errcheck // the outcome says it
	if o := <-outcome; o.Error == "" {
		t.Errorf("outcome %+v", o)
	}
}

func TestALimitOnTimeEndsACommand(t *testing.T) {
	policies := &rules{limits: policy.NoLimits()}
	policies.limits.Statement = policy.Bound{Rule: "quick", Max: int64(time.Second)} // which is enough to open a stream
	a, _ := admitted(t, whole, policies)
	r, _ := behind(t, a)
	r.openAll("error")
	if got := r.client.told(1); !strings.Contains(got, "quick") {
		t.Errorf("the client got %s", got)
	}
	var refused *guard.Refusal
	if err := r.over(); !errors.As(err, &refused) {
		t.Error(err)
	}
}

// A pass that was finished opens nothing more, whoever still has the connection.
func TestNothingGoesToTheClusterWithoutAStandingPass(t *testing.T) {
	a, _ := admitted(t, whole, &rules{})
	r, _ := behind(t, a)
	r.openAll("error", "stdin")
	if err := a.Pass.Finish(guard.Outcome{}); err != nil {
		t.Fatal(err)
	}
	r.must(r.client.Ping(1))
	if got := r.cluster.rest(); len(got) > 0 {
		t.Errorf("the cluster got %v", got)
	}
	if err := r.over(); !errors.Is(err, guard.ErrNoPass) {
		t.Error(err)
	}
}

// What is held back until more comes is shown where nothing more will.
func TestWhatDetectorsHeldBackComesAtTheEnd(t *testing.T) {
	for name, end := range map[string]func(p *peer) error{
		"of the data":       func(p *peer) error { return p.Data(5, nil, true) },
		"of the stream":     func(p *peer) error { return p.Reset(5, spdy.Cancel) },
		"of the connection": func(p *peer) error { return p.conn.Close() },
	} {
		a, j := admitted(t, whole, &rules{masks: leaks})
		r, _ := behind(t, a)
		r.openAll("error", "stdin", "stdout")
		r.must(r.cluster.Data(5, []byte("to alice@exam"), false))
		r.must(r.cluster.Data(5, []byte("ple.com"), false))
		r.must(end(r.cluster))
		var text strings.Builder
		for f := r.client.next(); ; f = r.client.next() {
			if f.Stream == 5 && f.Type == spdy.Data {
				text.Write(f.Data)
			}
			if f.Stream == 5 && (f.Fin || f.Type == spdy.Reset) {
				break
			}
		}
		_ = r.cluster.conn.Close()
		r.client.rest()
		if err := r.over(); err != nil || text.String() != "to ***" || !j.shows("***") {
			t.Errorf("at the end %s: %v: the client got %q, recorded %q", name, err, text.String(), j.rows.String())
		}
	}
}

// A password that is typed is told by its hash, so that there is none of what is typed.
func TestWhatIsTypedIsNotHashed(t *testing.T) {
	for name, c := range map[string]struct {
		plan   streams.Plan
		hashed bool
	}{"a terminal": {terminal, false}, "a command": {whole, true}} {
		a, j := admitted(t, c.plan, &rules{})
		r, outcome := behind(t, a)
		r.openAll("error", "stdin")
		r.must(r.client.Data(3, []byte("hunter2"), true))
		r.cluster.want(`DATA 3 "hunter2" fin`)
		r.must(r.client.conn.Close())
		if err := r.over(); !errors.Is(err, streams.ErrLeft) {
			t.Errorf("%s: %v", name, err)
		}
		if err := a.Pass.Finish(<-outcome); err != nil {
			t.Fatal(err)
		}
		if j.has("sha256") != c.hashed || j.shows("hunter2") {
			t.Errorf("%s: recorded %v", name, j.events)
		}
	}
}
