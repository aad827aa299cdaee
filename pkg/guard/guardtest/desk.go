package guardtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// Desk stands in the broker's place: it answers every request as it is told to, and uses an approval up once.
type Desk struct {
	mu      sync.Mutex
	changed *sync.Cond
	state   string // what requests become; "" holds them
	asked   int
	used    int
	wanted  []api.Approval
}

func newDesk() *Desk {
	d := &Desk{state: "rejected"}
	d.changed = sync.NewCond(&d.mu)
	return d
}

// Answer decides requests from now on, those that wait among them.
func (d *Desk) Answer(state string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state = state
	d.changed.Broadcast()
}

// Hold has requests wait.
func (d *Desk) Hold() { d.Answer("") }

// Claims is how many approvals were used.
func (d *Desk) Claims() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.used
}

// Asked are the requests that were made, as they came.
func (d *Desk) Asked() []api.Approval {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.wanted)
}

// AwaitAsked returns once somebody was asked.
func (d *Desk) AwaitAsked(t testing.TB) {
	t.Helper()
	Within(t, 10*time.Second, "a request is made", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.asked > 0
	})
}

// AskApproval makes a request.
func (d *Desk) AskApproval(_ context.Context, a api.Approval, _ string) (api.Approval, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	d.wanted = append(d.wanted, a)
	a.ID, a.State = fmt.Sprintf("ap_%d", d.asked), api.ApprovalPending
	if d.state == api.ApprovalApproved { // as for a command that is sent again
		a.State = d.state
	}
	return a, nil
}

// AwaitApproval waits for the answer.
func (d *Desk) AwaitApproval(ctx context.Context, id string) (api.Approval, error) {
	stop := context.AfterFunc(ctx, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.changed.Broadcast()
	})
	defer stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.state == "" && ctx.Err() == nil {
		d.changed.Wait()
	}
	return api.Approval{ID: id, State: d.state}, ctx.Err()
}

// ClaimApproval uses an approval up.
func (d *Desk) ClaimApproval(context.Context, string, string, api.Identity, []api.Approvers) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state != api.ApprovalApproved {
		return fmt.Errorf("the request is %s", d.state)
	}
	d.used++
	return nil
}

// WithdrawApproval does nothing.
func (d *Desk) WithdrawApproval(context.Context, string, api.Identity) error { return nil }

// PublishGrantEvent does nothing.
func (d *Desk) PublishGrantEvent(context.Context, string, api.GrantEvent) error { return nil }
