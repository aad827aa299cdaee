package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hoop-gateway/hoop/localproxy"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/login"
	"github.com/hoop-gateway/hoop/pkg/slack"
)

// aroundChild is a failure to run the program, with the exit code that shells give it.
type aroundChild struct {
	code int
	err  error
}

func (e aroundChild) Error() string { return e.err.Error() }
func (e aroundChild) Unwrap() error { return e.err }

// findProgram looks for the program before anything is asked for: a misspelt name costs no grant. A program in the
// working directory must be named with a path.
func findProgram(command []string) (string, error) {
	if len(command) == 0 {
		return "", nil
	}
	found, err := exec.LookPath(command[0])
	if err == nil {
		return found, nil
	}
	code, message := exitNotFound, fmt.Sprintf("The command %q is not found.", command[0])
	if errors.Is(err, fs.ErrPermission) {
		code, message = exitNotExecutable, fmt.Sprintf("The command %q can't be executed.", command[0])
	}
	return "", aroundChild{code, &api.Error{Code: api.CodeUsage, Message: message, Hint: "Check its name and PATH."}}
}

// runChild runs the program with connections of some kinds in its environment, passes signals on, and returns its exit code.
func (p *program) runChild(ctx context.Context, path string, command, kinds []string, vars []localproxy.Var) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	cmd := exec.Command(path)
	cmd.Args = command
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.in, p.out, p.err
	cmd.Env = childEnv(p.environ, kinds, vars)
	signals := make(chan os.Signal, 8)
	forward := func(s os.Signal) {
		select {
		case signals <- s:
		default:
		}
	}
	before := p.signal.Swap(&forward)
	defer p.signal.Store(before)
	if err := slack.Narrow(cmd.Start); err != nil {
		return aroundChild{exitNotExecutable, &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("The command %q can't be executed: %v.", command[0], errors.Unwrap(err))}}
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var late <-chan time.Time
	for {
		select {
		case err := <-done:
			return childError(err)
		case s := <-signals:
			p.pass(cmd.Process, s)
			if late == nil && (s != os.Interrupt || !p.terminal) {
				late = time.After(endsWithin - 400*time.Millisecond)
			}
		case <-late:
			_ = cmd.Process.Kill()
		}
	}
}

// pass gives the program a signal. Ctrl-C at a terminal reaches it without us: the kernel tells the whole foreground group.
func (p *program) pass(child *os.Process, s os.Signal) {
	if s == os.Interrupt && p.terminal {
		return
	}
	_ = child.Signal(s)
}

// childError makes the program's end hoop's own.
func childError(err error) error {
	var exit *exec.ExitError
	if err == nil {
		return nil
	}
	if !errors.As(err, &exit) {
		return fmt.Errorf("wait for the command: %w", err)
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exited(128 + int(status.Signal()))
	}
	return exited(exit.ExitCode())
}

// ciTokens are variables by which a CI system lets its job speak for itself. They are not the program's.
func ciTokens() []string {
	return append(login.SecretVariables(), "HOOP_TOKEN_FILE", "ACTIONS_RUNTIME_TOKEN", "CI_JOB_JWT", "CI_JOB_JWT_V1", "CI_JOB_JWT_V2")
}

// childEnv is the environment of the program: without what would send it elsewhere, without hoop's and the CI's own
// tokens under whatever name, and with the connections.
func childEnv(environ, kinds []string, vars []localproxy.Var) []string {
	token := lookup(environ, login.EnvToken)
	var out []string
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		inherited := func(kind string) bool { return localproxy.Inherited(kind, name) }
		if slices.ContainsFunc(kinds, inherited) || slices.Contains(ciTokens(), name) || token != "" && value == token {
			continue
		}
		out = append(out, entry)
	}
	for _, v := range slices.Concat(vars, localproxy.Direct(kinds, func(name string) string { return lookup(environ, name) })) {
		out = append(out, v.Name+"="+v.Value)
	}
	return out
}

// lookup finds a variable in an environment: where it stands twice, the last one.
func lookup(environ []string, name string) (value string) {
	for _, entry := range environ {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			value = v
		}
	}
	return value
}
