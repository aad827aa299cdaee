package guard_test

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

func TestOnlyAnAllowedCommandPassesWithoutAPerson(t *testing.T) {
	for _, c := range []struct {
		name string
		p    guard.Policy
		pass bool
	}{
		{"a zero decision refuses", ruled{func() policy.Decision { return policy.Decision{} }}, false},
		{"deny refuses", verdict(policy.Deny), false},
		{"an unknown verdict refuses", verdict(policy.Verdict(77)), false},
		{"a panic refuses", ruled{func() policy.Decision { panic("boom") }}, false},
		{"no policy refuses", nil, false},
		{"allow passes", verdict(policy.Allow), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, d := &journal{}, newDesk()
			p, err := gate(t, c.p, j, d).Admit(t.Context(), command("DELETE FROM t"))
			if (err == nil) != c.pass || (p != nil) != c.pass {
				t.Fatalf("pass %v, error %v", p, err)
			}
			if !j.has(record.TypeCommand, "DELETE FROM t") {
				t.Error("the command is not recorded")
			}
			if !c.pass && !j.has(record.TypeRefused, "") {
				t.Error("the refusal is not recorded")
			}
		})
	}
}

func TestNothingRunsThatIsNotRecorded(t *testing.T) {
	j := &journal{fail: errors.New("disk full")}
	_, err := gate(t, verdict(policy.Allow), j, newDesk()).Admit(t.Context(), command("SELECT 1"))
	if r := refusal(t, err); r.Code != "unrecorded" {
		t.Errorf("code %q", r.Code)
	}
}

func TestNothingIsLentBeforeTheRecordIsKept(t *testing.T) {
	j := &journal{}
	s := gate(t, verdict(policy.Allow), j, newDesk())
	p, err := s.Admit(t.Context(), command("SELECT 1"))
	if err != nil {
		t.Fatal(err)
	}
	j.lost = errors.New("disk full")
	err = guard.NewUpstream(s, 1).With(p, func(int) error {
		t.Error("lent")
		return nil
	})
	if !errors.Is(err, j.lost) {
		t.Errorf("got %v", err)
	}
	j.lost = nil
	if p, err = s.Admit(t.Context(), command("SELECT 1")); err != nil {
		t.Fatal(err)
	}
	before := j.commits
	if err := guard.NewUpstream(s, 1).With(p, func(int) error {
		if j.commits == before {
			t.Error("lent before the record was kept")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestNothingThatWasGatheredLeavesBeforeItsRecordIsKept(t *testing.T) {
	j := &journal{}
	s := gate(t, verdict(policy.Allow), j, newDesk())
	var gathered, left bytes.Buffer
	out, u := s.Kept(&left), guard.NewGathering(s, &gathered)
	p, err := s.Admit(t.Context(), command("SELECT 1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := u.With(p, func(b *bytes.Buffer) error { b.WriteString("SELECT 1"); return nil }); err != nil {
		t.Fatal(err)
	}
	j.lost = errors.New("disk full")
	if _, err := out.Write(gathered.Bytes()); !errors.Is(err, j.lost) || left.Len() > 0 {
		t.Errorf("unrecorded, %q left: %v", left.String(), err)
	}
	j.lost = nil
	before := j.commits
	if _, err := out.Write(gathered.Bytes()); err != nil || left.String() != "SELECT 1" || j.commits == before {
		t.Errorf("%q left after %d commits: %v", left.String(), j.commits-before, err)
	}
}

func TestWhatMustNotWaitIsAdmittedAtOnceOrNotJudgedAtAll(t *testing.T) {
	reads := command("SELECT 1")
	reads.Facts.Accesses = []policy.Access{{Effect: policy.Read, Object: "public.t"}}
	prepares := command("DELETE FROM t")
	prepares.Stage = guard.Prepare
	for _, c := range []struct {
		name  string
		p     guard.Policy
		c     guard.Command
		waits bool
	}{
		{"an allowed read does not wait", verdict(policy.Allow), reads, false},
		{"making a write ready does not wait", verdict(policy.Allow), prepares, false},
		{"an allowed write waits for the disk", verdict(policy.Allow), command("DELETE FROM t"), true},
		{"what needs an approval waits", verdict(policy.Approve), reads, true},
		{"what is denied is announced, which waits", verdict(policy.Deny), reads, true},
		{"a zero decision waits, and is refused then", ruled{func() policy.Decision { return policy.Decision{} }}, reads, true},
		{"without a policy it waits, and is refused then", nil, reads, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := &journal{}
			s := gate(t, c.p, j, newDesk())
			c.c.NoWait = true
			p, err := s.Admit(t.Context(), c.c)
			commands, refused := s.Counts()
			if c.waits && (p != nil || !errors.Is(err, guard.ErrWaits) || len(j.types) > 0 || commands+refused > 0) {
				t.Errorf("pass %v, error %v, recorded %v, counted %d and %d", p, err, j.types, commands, refused)
			}
			if !c.waits && (err != nil || !j.has(record.TypeCommand, c.c.Text)) {
				t.Errorf("error %v, recorded %v", err, j.bodies)
			}
			c.c.NoWait, c.c.NoHold = false, nil
			if next, err := s.Admit(t.Context(), c.c); err == nil && c.waits && next.Number() != 1 {
				t.Errorf("the command got the number %d", next.Number())
			}
		})
	}
	reads.NoWait = true
	if _, err := gate(t, verdict(policy.Allow), &journal{behind: true}, newDesk()).Admit(t.Context(), reads); !errors.Is(err, guard.ErrWaits) {
		t.Errorf("admitted at once while the recorder has to catch up: %v", err)
	}
	s := gate(t, verdict(policy.Allow), &journal{}, newDesk())
	s.End(api.Refusal{Code: "locked"})
	if _, err := s.Admit(t.Context(), reads); !errors.Is(err, guard.ErrWaits) {
		t.Errorf("a session that ended admits: %v", err)
	}
}

func TestAPassLendsItsOwnUpstreamOnce(t *testing.T) {
	s := gate(t, verdict(policy.Allow), &journal{}, newDesk())
	other := gate(t, verdict(policy.Allow), &journal{}, newDesk())
	p, err := s.Admit(t.Context(), command("SELECT 1"))
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	send := func(int) error { sent++; return nil }
	if err := guard.NewUpstream(other, 1).With(p, send); !errors.Is(err, guard.ErrNoPass) {
		t.Errorf("another session's upstream was lent: %v", err)
	}
	u := guard.NewUpstream(s, 1)
	if err := u.Continue(p, send); !errors.Is(err, guard.ErrNoPass) {
		t.Errorf("a command goes on that has not begun: %v", err)
	}
	if err := u.With(p, send); err != nil {
		t.Fatal(err)
	}
	if err := u.With(p, send); !errors.Is(err, guard.ErrNoPass) {
		t.Errorf("the pass was spent twice: %v", err)
	}
	if err := u.Continue(p, send); err != nil {
		t.Errorf("a running command can't go on: %v", err)
	}
	if err := p.Finish(guard.Outcome{Tag: "SELECT 1"}); err != nil {
		t.Fatal(err)
	}
	if err := u.Continue(p, send); !errors.Is(err, guard.ErrNoPass) {
		t.Errorf("a finished command goes on: %v", err)
	}
	for _, forged := range []*guard.Pass{nil, {}} {
		if err := u.With(forged, send); !errors.Is(err, guard.ErrNoPass) {
			t.Errorf("a forged pass lends: %v", err)
		}
	}
	if err := u.Housekeep(guard.NotHousekeeping, send); !errors.Is(err, guard.ErrNoPass) {
		t.Errorf("what is not housekeeping was sent: %v", err)
	}
	if sent != 2 {
		t.Errorf("sent %d times", sent)
	}
}

func TestAnApprovedCommandRunsOnceItWasClaimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, d := &journal{}, newDesk()
		s := gate(t, verdict(policy.Approve), j, d)
		go func() {
			<-time.After(10 * time.Second) // of the bubble's own clock
			d.answer(api.ApprovalApproved)
		}()
		p, err := s.Admit(t.Context(), command("DELETE FROM t WHERE id = 1"))
		if err != nil || p == nil {
			t.Fatalf("got %v", err)
		}
		if d.claimed != 1 || !j.has(record.TypeApproval, api.ApprovalUsed) {
			t.Errorf("claimed %d times; recorded: %v", d.claimed, j.bodies)
		}
	})
}

func TestACommandThatNobodyApprovedDoesNotRun(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(*desk)
		change  func(*guard.Command)
		code    string
		after   time.Duration
	}{
		"the hold ends":            {func(*desk) {}, nil, "approval_required", 45 * time.Second},
		"somebody rejects":         {func(d *desk) { d.answer(api.ApprovalRejected) }, nil, "rejected", 0},
		"it expires":               {func(d *desk) { d.answer(api.ApprovalExpired) }, nil, "expired", 0},
		"it can't wait here":       {func(*desk) {}, func(c *guard.Command) { c.NoHold = nil }, "approval_required", 0},
		"the request can't be put": {func(d *desk) { d.askErr = errors.New("store down") }, nil, "unavailable", 0},
		"somebody else claimed it": {func(d *desk) { d.answer(api.ApprovalApproved); d.claimErr = errors.New("used") }, nil, "unavailable", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk()
				c.arrange(d)
				cmd := command("DELETE FROM t")
				if c.change != nil {
					c.change(&cmd)
				}
				began := time.Now()
				p, err := gate(t, verdict(policy.Approve), &journal{}, d).Admit(t.Context(), cmd)
				if p != nil {
					t.Fatal("it got a pass")
				}
				if r := refusal(t, err); r.Code != c.code {
					t.Errorf("code %q, want %q: %s", r.Code, c.code, r.Message)
				}
				if waited := time.Since(began); waited != c.after {
					t.Errorf("waited %v, want %v", waited, c.after)
				}
			})
		})
	}
}

func TestAPolicyThatChangedWhileItWaitedVoidsTheApproval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		var v atomic.Uint32
		v.Store(uint32(policy.Approve))
		p := ruled{func() policy.Decision { return verdict(policy.Verdict(v.Load())).decide() }}
		go func() {
			<-time.After(time.Second) // of the bubble's own clock
			v.Store(uint32(policy.Deny))
			d.answer(api.ApprovalApproved)
		}()
		_, err := gate(t, p, &journal{}, d).Admit(t.Context(), command("DELETE FROM t"))
		if r := refusal(t, err); r.Code != "approval_void" || d.claimed != 0 {
			t.Errorf("code %q, claimed %d", r.Code, d.claimed)
		}
	})
}

func TestACancelledWaitWithdrawsTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		cmd := command("DELETE FROM t")
		cmd.Holding = func(ctx context.Context) (context.Context, func()) {
			held, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Second, func() { cancel(guard.ErrCancelled) })
			return held, func() { cancel(nil) }
		}
		_, err := gate(t, verdict(policy.Approve), &journal{}, d).Admit(t.Context(), cmd)
		if r := refusal(t, err); r.Code != api.ApprovalWithdrawn || d.withdrawn != 1 {
			t.Errorf("code %q, withdrawn %d", r.Code, d.withdrawn)
		}
	})
}

func TestAClientThatLeavesKeepsItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		_, err := gate(t, verdict(policy.Approve), &journal{}, d).Admit(ctx, command("DELETE FROM t"))
		if refusal(t, err); d.withdrawn != 0 || d.claimed != 0 {
			t.Errorf("withdrawn %d, claimed %d", d.withdrawn, d.claimed)
		}
	})
}

func meaning(parts ...string) func() []string { return func() []string { return parts } }

func TestTheDigestCoversEverythingThatRuns(t *testing.T) {
	base := func() guard.Command {
		c := command("DELETE FROM t WHERE id = $1")
		c.Params = []guard.Param{{Type: 23, Value: []byte("1")}}
		c.Context = meaning("catalog 1", "role", "public")
		return c
	}
	digest := func(c guard.Command) string {
		d := newDesk()
		c.NoHold = nil
		_, err := gate(t, verdict(policy.Approve), &journal{}, d).Admit(t.Context(), c)
		refusal(t, err)
		return d.asked[0].Digest
	}
	seen := map[string]string{digest(base()): "unchanged"}
	for name, change := range map[string]func(*guard.Command){
		"text":          func(c *guard.Command) { c.Normal += " " },
		"text, made":    func(c *guard.Command) { c.NormalOf = func() string { return "made" } },
		"rewritten":     func(c *guard.Command) { c.Rewritten += " " },
		"value":         func(c *guard.Command) { c.Params[0].Value = []byte("2") },
		"type":          func(c *guard.Command) { c.Params[0].Type = 25 },
		"format":        func(c *guard.Command) { c.Params[0].Format = 1 },
		"null":          func(c *guard.Command) { c.Params[0].Null = true },
		"one more":      func(c *guard.Command) { c.Params = append(c.Params, guard.Param{}) },
		"context":       func(c *guard.Command) { c.Context = meaning("catalog 2", "role", "public") },
		"context moved": func(c *guard.Command) { c.Context = meaning("catalog 1role", "", "public") },
	} {
		c := base()
		change(&c)
		got := digest(c)
		if other, twice := seen[got]; twice {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[got] = name
	}
	c := base()
	c.Normal, c.NormalOf = "", func() string { return base().Normal }
	if seen[digest(c)] != "unchanged" {
		t.Error("a canonical text has another digest where it is made later")
	}
	c = base()
	c.Text = "delete   from t /* a comment */ where id = $1" // Normal is what counts
	if seen[digest(c)] != "unchanged" {
		t.Error("a comment changes the digest")
	}
}

func TestAnEndedSessionAdmitsNothing(t *testing.T) {
	s := gate(t, verdict(policy.Allow), &journal{}, newDesk())
	s.End(api.Refusal{Code: api.CodeGrantEnded, Rule: "grant", Message: "over"})
	_, err := s.Admit(t.Context(), command("SELECT 1"))
	if r := refusal(t, err); r.Code != api.CodeGrantEnded {
		t.Errorf("code %q", r.Code)
	}
}

func TestResultsBeyondTheCapAreCountedAndHashed(t *testing.T) {
	j := &journal{}
	p, err := gate(t, verdict(policy.Allow), j, newDesk()).Admit(t.Context(), command("SELECT 1"))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := p.Result([]byte("12345678")); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Finish(guard.Outcome{Tag: "SELECT 3", Rows: 3}); err != nil {
		t.Fatal(err)
	}
	if j.rows != 8 || !j.has(record.TypeOutcome, `"truncated_bytes":16`) || !j.has(record.TypeOutcome, `"truncated_sha256":"`) {
		t.Errorf("%d bytes kept; %v", j.rows, j.bodies)
	}
}
