package cli

import (
	"bytes"
	"context"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/pgsql/pgtest"
)

// newProgram is hoop in this process, for what a script can't have: a terminal.
func newProgram(t *testing.T, w *world, stdin string, args ...string) (p *program, out, errs *bytes.Buffer) {
	t.Helper()
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	w.must(os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.server.Certificate().Raw}), 0o600))
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	end := func(os.Signal) {}
	p = &program{version: "1.2.3", args: args, in: strings.NewReader(stdin), out: out, err: errs, terminal: true,
		environ: []string{"HOME=" + dir, "XDG_STATE_HOME=" + dir, "HOOP_BROKER=" + w.server.URL, "HOOP_CA_FILE=" + ca, "HOOP_TOKEN_STORE=file", "PATH=" + os.Getenv("PATH")}}
	p.signal.Store(&end)
	return p, out, errs
}

func TestOnATerminalConnectOffersToSignIn(t *testing.T) {
	w := newWorld(t, &pgtest.Server{})
	for answer, signsIn := range map[string]bool{"\n": true, "Yes\n": true, "n\n": false, "what\n": false, "": false} {
		p, _, errs := newProgram(t, w, answer, "connect", "db-prod", "--", "true")
		code := p.run(t.Context())
		if !strings.Contains(errs.String(), "Sign in now? [Y/n]") {
			t.Errorf("%q: no offer in %q", answer, errs)
		}
		if want := map[bool]int{true: 0, false: exitAround}[signsIn]; code != want || strings.Contains(errs.String(), "WDJB-MJHT") != signsIn {
			t.Errorf("%q: exit %d, %q", answer, code, errs)
		}
	}
}

func TestWithoutATerminalNothingIsOffered(t *testing.T) {
	w := newWorld(t, &pgtest.Server{})
	p, _, errs := newProgram(t, w, "y\n", "connect", "db-prod")
	p.terminal = false
	if code := p.run(t.Context()); code != 4 || strings.Contains(errs.String(), "Sign in now") {
		t.Errorf("exit %d, %q", code, errs)
	}
}

func TestAnApprovalOfTheGrantIsWaitedForAndTimesOut(t *testing.T) {
	w := newWorld(t, &pgtest.Server{})
	w.fail["POST /v1/grants"] = &api.Error{Status: 409, Code: api.CodeApprovalPending, Message: "ap_1 waits for dba.", Retryable: true}
	for wait, want := range map[string]int{"0s": 6, "10ms": 9} {
		p, _, errs := newProgram(t, w, "", "connect", "db-prod", "--wait", wait)
		p.environ = append(p.environ, "HOOP_ID_TOKEN=workload.p.s")
		if code := p.run(t.Context()); code != want {
			t.Errorf("--wait %s: exit %d, %q", wait, code, errs)
		}
	}
	p, _, errs := newProgram(t, w, "", "connect", "db-prod", "--wait", "1m", "--", "true")
	p.environ = append(p.environ, "HOOP_ID_TOKEN=workload.p.s")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	w.once["POST /v1/grants"] = true // and then it is approved
	if code := p.run(ctx); code != 0 || !strings.Contains(errs.String(), "waiting for an approval, 1m0s at most: ap_1 waits for dba.") {
		t.Errorf("exit %d, %q", code, errs)
	}
}

func TestEveryErrorCodeHasItsExitCode(t *testing.T) {
	want := map[string]int{api.CodeInternal: 1, api.CodeUsage: 2, api.CodeUnreachable: 3, api.CodeSignInNeeded: 4, api.CodeDenied: 5, api.CodeApprovalPending: 6,
		api.CodeRejected: 7, api.CodeNoSuchConnection: 8, api.CodeWaitTimedOut: 9, api.CodeListener: 10, api.CodeGrantEnded: 11, api.CodeTargetDown: 12,
		codeUnsealed: 13, codeDamaged: 14, "of a newer server": 1}
	for code, exit := range want {
		if got := exitCode(&api.Error{Code: code}); got != exit {
			t.Errorf("%s exits %d, want %d", code, got, exit)
		}
	}
}

func TestOnlyOlderVersionsAreTurnedAway(t *testing.T) {
	for _, c := range []struct {
		version, oldest string
		older           bool
	}{{"1.2.3", "1.2.3", false}, {"1.2.3", "1.2.4", true}, {"1.10.0", "1.9.9", false}, {"v0.9.0", "1.0.0", true}, {"dev", "9.9.9", false}, {"1.0.0", "", false}} {
		if olderThan(c.version, c.oldest) != c.older {
			t.Errorf("%s against %s", c.version, c.oldest)
		}
	}
}

// ATTACKS A9: whatever runs and however it fails, no token is printed.
func TestNoTokenIsEverPrinted(t *testing.T) {
	w := newWorld(t, &pgtest.Server{})
	p, _, _ := newProgram(t, w, "")
	environ := p.environ
	for _, format := range []string{"text", "json", "ndjson"} {
		for _, args := range [][]string{{"login"}, {"whoami"}, {"ls"}, {"connect", "db-prod", "--", "env"}, {"connect", "db-prod", "--watch-stdin"}, {"connect", "none"}, {"grants", "ls"},
			{"approvals", "show", "x"}, {"logout"}, {"whoami"}, {"env", "db-prod"}, {"version"}} {
			p, out, errs := newProgram(t, w, "", append(args, "-o", format)...)
			p.environ, p.terminal = environ, false
			p.run(t.Context())
			if all := out.String() + errs.String(); strings.Contains(all, "canary") || strings.Contains(all, "access-") || strings.Contains(all, "PRIVATE KEY") {
				t.Errorf("%v -o %s printed %s", args, format, all)
			}
		}
	}
}
