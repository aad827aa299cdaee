package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// askAndWait asks for the grant, after offering a sign-in on a terminal, and again while somebody has to approve it.
func (p *program) askAndWait(ctx context.Context, s *session, name string, o connectOptions) (*held, error) {
	in := api.GrantRequest{Connection: name, Reason: o.reason, TTLSeconds: int64(o.ttl / time.Second)}
	until := time.Now().Add(o.wait)
	for offered, said := false, false; ; {
		grant, err := s.ask(ctx, "hoop/"+p.version, in)
		var known *api.Error
		switch {
		case err == nil || !errors.As(err, &known):
			return grant, err
		case known.Code == api.CodeSignInNeeded && p.terminal && !offered && !s.workload:
			offered = true
			if err := p.offerSignIn(ctx, s, known); err != nil {
				return grant, err
			}
		case known.Code == api.CodeApprovalPending && o.wait > 0:
			if !time.Now().Before(until) {
				return grant, &api.Error{Code: api.CodeWaitTimedOut, Message: known.Message, Hint: known.Hint, Retryable: true, RequestID: known.RequestID}
			}
			if !said {
				p.say("waiting for an approval, %s at most: %s", o.wait.String(), known.Message)
				said = true
			}
			if err := pause(ctx, time.Second); err != nil {
				return grant, err
			}
		default:
			return grant, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// offerSignIn asks a person at the terminal, and signs them in.
func (p *program) offerSignIn(ctx context.Context, s *session, why *api.Error) error {
	p.say("%s", why.Message)
	_, _ = io.WriteString(p.err, "Sign in now? [Y/n] ")
	line, err := readLine(ctx, p.in)
	if err != nil {
		return why
	}
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "" && answer != "y" && answer != "yes" {
		return why
	}
	_, err = p.signIn(ctx, s, "")
	return err
}

// readLine waits for a line or the end of ctx. A read of a terminal can't be ended: the process ends first.
func readLine(ctx context.Context, r io.Reader) (string, error) {
	type result struct {
		line string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		line, err := bufio.NewReaderSize(io.LimitReader(r, 1024), 1).ReadString('\n')
		done <- result{line, err}
	}()
	select {
	case r := <-done:
		return r.line, r.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
