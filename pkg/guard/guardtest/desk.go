package guardtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// desk stands in the broker's place: it answers every request as it is told to, and uses an approval up once.
type desk struct {
	mu      sync.Mutex
	changed *sync.Cond
	state   string // what requests become; "" holds them
	asked   int
	used    int
}

func newDesk() *desk {
	d := &desk{state: "rejected"}
	d.changed = sync.NewCond(&d.mu)
	return d
}

// answer decides requests from now on, those that wait among them.
func (d *desk) answer(state string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state = state
	d.changed.Broadcast()
}

func (d *desk) hold() { d.answer("") }

func (d *desk) claims() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.used
}

func (d *desk) awaitAsked(t testing.TB) {
	t.Helper()
	within(t, 10*time.Second, "a request is made", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.asked > 0
	})
}

func (d *desk) AskApproval(_ context.Context, a api.Approval, _ string) (api.Approval, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	a.ID, a.State = fmt.Sprintf("ap_%d", d.asked), api.ApprovalPending
	if d.state == api.ApprovalApproved { // as for a command that is sent again
		a.State = d.state
	}
	return a, nil
}

func (d *desk) AwaitApproval(ctx context.Context, id string) (api.Approval, error) {
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

func (d *desk) ClaimApproval(context.Context, string, string, api.Identity, []api.Approvers) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state != api.ApprovalApproved {
		return fmt.Errorf("the request is %s", d.state)
	}
	d.used++
	return nil
}

func (d *desk) WithdrawApproval(context.Context, string, api.Identity) error { return nil }

func (d *desk) PublishGrantEvent(context.Context, string, api.GrantEvent) error { return nil }
