package guard_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// ruled is a policy of one decision.
type ruled struct{ decide func() policy.Decision }

func (r ruled) Decide(policy.Subject, policy.Connection, policy.Command) policy.Decision {
	return r.decide()
}
func (ruled) Standing(policy.Subject, policy.Connection) policy.Standing {
	return policy.Standing{Limits: policy.NoLimits()}
}
func (ruled) Version() string { return "1" }

func verdict(v policy.Verdict) ruled {
	return ruled{func() policy.Decision {
		d := policy.Decision{Verdict: v, Rule: "r"}
		if v == policy.Approve {
			d.Approvals = []policy.Approval{{Rule: "r", Groups: []string{"dba"}, Quorum: 1, Hold: 45 * time.Second}}
		}
		return d
	}}
}

// journal keeps events in memory and can be told to fail.
type journal struct {
	mu      sync.Mutex
	types   []record.Type
	bodies  []string
	rows    int
	fail    error
	commits int
	lost    error // what Commit answers
	behind  bool
}

func (j *journal) Stage(t record.Type, body []byte) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail != nil {
		return 0, j.fail
	}
	j.types = append(j.types, t)
	j.bodies = append(j.bodies, string(body))
	return uint64(len(j.types)), nil
}

func (j *journal) AppendSync(t record.Type, body []byte) (uint64, error) { return j.Stage(t, body) }

func (j *journal) Commit() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.commits++
	return j.lost
}

func (j *journal) Behind() bool { return j.behind }

func (j *journal) AppendBatch(_ uint64, raw []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.rows += len(raw)
	return j.fail
}

func (j *journal) has(t record.Type, text string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, x := range j.types {
		if x == t && strings.Contains(j.bodies[i], text) {
			return true
		}
	}
	return false
}

// desk is a broker with one request.
type desk struct {
	mu        sync.Mutex
	asked     []api.Approval
	state     string
	answered  chan struct{}
	claimed   int
	withdrawn int
	askErr    error
	claimErr  error
	events    []api.GrantEvent
}

func newDesk() *desk { return &desk{state: api.ApprovalPending, answered: make(chan struct{})} }

func (d *desk) AskApproval(_ context.Context, a api.Approval, _ string) (api.Approval, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, a)
	a.ID, a.State = "ap_1", d.state
	return a, d.askErr
}

func (d *desk) AwaitApproval(ctx context.Context, id string) (api.Approval, error) {
	select {
	case <-d.answered:
		d.mu.Lock()
		defer d.mu.Unlock()
		return api.Approval{ID: id, State: d.state}, nil
	case <-ctx.Done():
		return api.Approval{}, ctx.Err()
	}
}

func (d *desk) answer(state string) {
	d.mu.Lock()
	d.state = state
	d.mu.Unlock()
	close(d.answered)
}

func (d *desk) ClaimApproval(context.Context, string, string, api.Identity, []api.Approvers) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.claimErr != nil {
		return d.claimErr
	}
	d.claimed++
	return nil
}

func (d *desk) WithdrawApproval(context.Context, string, api.Identity) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.withdrawn++
	return nil
}

func (d *desk) PublishGrantEvent(_ context.Context, _ string, e api.GrantEvent) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, e)
	return nil
}

func gate(t *testing.T, p guard.Policy, j *journal, d *desk) *guard.Session {
	t.Helper()
	s, err := guard.New(guard.Config{
		ID: "se_1", GrantID: "gr_1", Policy: func() guard.Policy { return p }, Recorder: j, Approvals: d, Now: time.Now, ResultCap: 10,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func command(text string) guard.Command {
	return guard.Command{
		Text: text, Recorded: text, Normal: text, Rewritten: text,
		Facts: policy.Command{Accesses: []policy.Access{{Effect: policy.Delete, Object: "public.t"}}},
		Hooks: guard.Hooks{NoHold: func(context.Context) string { return "" }},
	}
}

func refusal(t *testing.T, err error) *guard.Refusal {
	t.Helper()
	var r *guard.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("got %v, want a refusal", err)
	}
	return r
}
