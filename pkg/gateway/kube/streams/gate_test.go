package streams_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway/kube/streams"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// rules are a policy that a test changes.
type rules struct {
	mu      sync.Mutex
	version string
	denies  bool
	port    uint16 // is denied
	masks   []policy.Mask
	limits  policy.Limits
}

func (r *rules) set(f func(*rules)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r)
	r.version += "+"
}

func (r *rules) Decide(_ policy.Subject, _ policy.Connection, c policy.Command) policy.Decision {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.denies || r.port != 0 && c.Kube != nil && c.Kube.Port == r.port {
		return policy.Decision{Verdict: policy.Deny, Rule: "none", Message: "Not any more."}
	}
	return policy.Decision{Verdict: policy.Allow, Rule: "all"}
}

func (r *rules) Standing(policy.Subject, policy.Connection) policy.Standing {
	r.mu.Lock()
	defer r.mu.Unlock()
	return policy.Standing{Masks: r.masks, Limits: r.limits}
}

func (r *rules) Version() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return "1" + r.version
}

// journal keeps a recording in memory, and can be told to fail.
type journal struct {
	mu     sync.Mutex
	events []string
	rows   bytes.Buffer
	fail   error
}

func (j *journal) Stage(_ record.Type, body []byte) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, string(body))
	return uint64(len(j.events)), j.fail
}

func (j *journal) AppendSync(t record.Type, body []byte) (uint64, error) { return j.Stage(t, body) }

func (j *journal) AppendBatch(_ uint64, raw []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.rows.Write(raw)
	return j.fail
}

func (j *journal) Commit() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.fail
}

func (j *journal) Behind() bool { return false }

func (j *journal) has(text string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Contains(strings.Join(j.events, "\n"), text)
}

func (j *journal) count(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(strings.Join(j.events, "\n"), text)
}

func (j *journal) shows(text string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return bytes.Contains(j.rows.Bytes(), []byte(text))
}

// nobody approves nothing.
type nobody struct{}

func (nobody) AskApproval(context.Context, api.Approval, string) (api.Approval, error) {
	return api.Approval{}, context.Canceled
}
func (nobody) AwaitApproval(context.Context, string) (api.Approval, error) {
	return api.Approval{}, context.Canceled
}
func (nobody) ClaimApproval(context.Context, string, string, api.Identity, []api.Approvers) error {
	return context.Canceled
}
func (nobody) WithdrawApproval(context.Context, string, api.Identity) error { return nil }
func (nobody) PublishGrantEvent(context.Context, string, api.GrantEvent) error {
	return nil
}

// admitted is a request that a rule let through, and the recording that it goes to.
func admitted(t *testing.T, plan streams.Plan, r *rules) (streams.Admitted, *journal) {
	t.Helper()
	if r.limits == (policy.Limits{}) {
		r.limits = policy.NoLimits()
	}
	j := &journal{}
	gate, err := guard.New(guard.Config{
		ID: "se_1", GrantID: "gr_1", Policy: func() guard.Policy { return r }, Recorder: j, Approvals: nobody{}, Now: time.Now, ResultCap: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	text := "exec stg/pods/web"
	pass, err := gate.Admit(t.Context(), guard.Command{
		Text: text, Recorded: text, Normal: text, Rewritten: text, Cut: true,
		Facts: policy.Command{Accesses: []policy.Access{{Effect: policy.Execute, Object: "stg/pods/web"}}},
		Hooks: guard.Hooks{NoHold: func(context.Context) string { return "" }},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := guard.NewUpstream(gate, 0).With(pass, func(int) error { return nil }); err != nil { // as the request was sent
		t.Fatal(err)
	}
	return streams.Admitted{Gate: gate, Pass: pass, Plan: plan, Input: record.InputNone, Object: "stg/pods/web", Port: toPod}, j
}

// toPod is one connection of a port-forward.
func toPod(port uint16) guard.Command {
	text := fmt.Sprintf("(port-forward stg/pods/web:%d)", port)
	return guard.Command{
		Text: text, Recorded: text, Normal: text, Rewritten: text,
		Facts: policy.Command{Accesses: []policy.Access{{Effect: policy.Transfer, Object: "stg/pods/web"}}, Kube: &policy.Kube{Subresource: "portforward", Port: port}},
	}
}

// behind has an admitted request carried between two peers.
func behind(t *testing.T, a streams.Admitted) (*rig, <-chan guard.Outcome) {
	t.Helper()
	outcome := make(chan guard.Outcome, 1)
	return between(t, func(ctx context.Context, client, target streams.Side) error {
		o, err := a.Carry(ctx, client, target)
		outcome <- o
		return err
	}), outcome
}
