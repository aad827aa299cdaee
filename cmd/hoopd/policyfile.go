package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// lookForPolicy is how often the file is read. A change is taken when it was read the same twice, so that half a file
// is never in force; both together, and the tests, stay below a second.
const lookForPolicy = 200 * time.Millisecond

const maxPolicy = 1 << 20

// policyFile is the policy in force. A file that is broken or fails its own tests keeps the last good one.
type policyFile struct {
	path    string
	log     *slog.Logger
	test    func(context.Context, *policy.Policy) []policy.TestFailure
	changed func(context.Context) error // told after a new policy is in force

	inForce atomic.Pointer[policy.Policy]

	mu   sync.Mutex
	text string // the latest that was taken or refused
	why  string // why the file as it stands is not in force; "" it is
}

// load takes the file at the start, where a broken one is an error.
func (p *policyFile) load(ctx context.Context) error {
	text, err := readPolicy(p.path)
	if err != nil {
		return err
	}
	parsed, err := p.parse(ctx, text)
	if err != nil {
		return err
	}
	p.text = text
	p.inForce.Store(parsed)
	for _, w := range parsed.Lint() {
		p.log.Warn("policy looks unlike what was meant", "where", fmt.Sprintf("%s:%d", w.File, w.Line), "what", w.Message)
	}
	return nil
}

func readPolicy(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read the policy: %w", err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxPolicy+1))
	if err != nil {
		return "", fmt.Errorf("read the policy: %w", err)
	}
	if len(text) > maxPolicy {
		return "", fmt.Errorf("the policy %s is larger than %d bytes", path, maxPolicy)
	}
	return string(text), nil
}

// parse reads a policy and runs its own tests.
func (p *policyFile) parse(ctx context.Context, text string) (*policy.Policy, error) {
	parsed, err := gateway.ParsePolicy([]byte(text), p.path)
	if err != nil {
		return nil, err
	}
	if failed := p.test(ctx, parsed); len(failed) > 0 {
		return nil, testsFailed(p.path, failed)
	}
	return parsed, nil
}

func testsFailed(path string, failed []policy.TestFailure) error {
	lines := []string{fmt.Sprintf("%s: %d of its tests fail", path, len(failed))}
	for _, f := range failed {
		lines = append(lines, "    "+f.String())
	}
	return errors.New(strings.Join(lines, "\n"))
}

// watch takes changes of the file until ctx ends.
func (p *policyFile) watch(ctx context.Context) error {
	tick := time.NewTicker(lookForPolicy)
	defer tick.Stop()
	last := p.text
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		text, err := readPolicy(p.path)
		if err != nil {
			text = "\x00" + err.Error() // no file has this text
		}
		if text == last && text != p.text {
			p.take(ctx, text, err)
		}
		last = text
	}
}

// take puts a changed file in force, or says why not.
func (p *policyFile) take(ctx context.Context, text string, err error) {
	var parsed *policy.Policy
	if err == nil {
		parsed, err = p.parse(ctx, text)
	}
	if ctx.Err() != nil {
		return
	}
	p.text = text
	if err != nil {
		p.say(err.Error())
		p.log.Error("changed policy not taken, the last good one stays in force", "alert", "policy_broken", "error", err.Error())
		return
	}
	p.inForce.Store(parsed)
	p.say("")
	p.log.Info("policy changed", "version", parsed.Version())
	if err := p.changed(ctx); err != nil && ctx.Err() == nil {
		p.say("the new policy is in force, but grants that it ends are not ended: " + err.Error())
		p.log.Error("grants not ended that the new policy ends", "alert", "policy_grants", "error", err)
	}
}

func (p *policyFile) say(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.why = why
}

// problem says why the file as it stands is not in force; "" it is.
func (p *policyFile) problem() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.why
}
