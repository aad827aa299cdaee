package sshhost

import (
	"context"
	"fmt"
	"sync"

	"github.com/hoop-gateway/hoop/pkg/guard"
)

// verdict is that on something in which more is asked for as long as it is open: a forwarded connection, a shell.
type verdict struct {
	mu      sync.Mutex
	version string // of the policy that gave it last
}

// stands takes the verdict anew where the policy is another one than at the last piece. Nothing stands whose recording failed.
func (v *verdict) stands(ctx context.Context, gate *guard.Session, p *guard.Pass) error {
	if err := gate.Commit(); err != nil {
		return fmt.Errorf("commit the recording: %w", err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	standing := gate.Standing()
	if standing != nil && standing.Version == v.version {
		return nil
	}
	if err := gate.Again(ctx, p); err != nil {
		return err
	}
	if standing != nil {
		v.version = standing.Version
	}
	return nil
}
