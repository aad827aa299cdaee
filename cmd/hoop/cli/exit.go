package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/slack"
)

// Codes of errors that only the client has.
const (
	codeUnsealed    = "recording_not_sealed"
	codeDamaged     = "recording_damaged"
	codeInterrupted = "interrupted"
)

// Exit codes of hoop's own failures where it runs another program, as env(1) and timeout(1) have them.
const (
	exitAround        = 125
	exitNotExecutable = 126
	exitNotFound      = 127
)

// exitCodes is the one map from errors to exit codes. A code that is not in it is an internal error.
func exitCodes() map[string]int {
	return map[string]int{
		api.CodeInternal:         1,
		api.CodeUsage:            2,
		api.CodeUnreachable:      3,
		api.CodeUnavailable:      3,
		api.CodeTooMany:          3,
		api.CodeSignInNeeded:     4,
		api.CodeDenied:           5,
		api.CodeLocked:           5,
		api.CodeApprovalPending:  6,
		api.CodeRejected:         7,
		api.CodeConflict:         7,
		api.CodeNoSuchConnection: 8,
		api.CodeNotFound:         8,
		api.CodeWaitTimedOut:     9,
		api.CodeListener:         10,
		api.CodeGrantEnded:       11,
		api.CodeTargetDown:       12,
		codeUnsealed:             13,
		codeDamaged:              14,
	}
}

const exitCodesHelp = `Exit codes:

    0  ok
    1  internal error
    2  usage or configuration
    3  broker or gateway unreachable
    4  sign-in needed
    5  denied by policy
    6  approval pending
    7  rejected or expired
    8  no such connection (what is out of one's reach does not exist)
    9  wait timed out
   10  local listener failed
   11  grant ended
   12  target unreachable
   13  recording not sealed but whole to its last checkpoint
   14  recording damaged
  130  interrupted (SIGINT)
  143  terminated (SIGTERM)

With "-- CMD" the exit code is the command's own. Where hoop itself fails around
it the code is 125, where the command can't be executed 126, where it is not
found 127. Under -o json and -o ndjson the last line on stderr is then the error
object, whose exit_code is one of the above.
`

// exited is an error that only carries an exit code: what there is to say was said.
type exited int

func (e exited) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// signalled is the cause of a context that a signal ended.
type signalled struct{ syscall.Signal }

func (s signalled) Error() string { return "ended by " + s.Signal.String() }

// asError finds or makes the error object of an error.
func asError(err error) *api.Error {
	var known *api.Error
	var sig signalled
	switch {
	case errors.As(err, &known):
		return withCause(known, err)
	case errors.As(err, &sig):
		return &api.Error{Code: codeInterrupted, Message: "Ended by a signal (" + sig.Signal.String() + ")."}
	case errors.Is(err, context.Canceled):
		return &api.Error{Code: codeInterrupted, Message: "Ended."}
	}
	return &api.Error{Code: api.CodeInternal, Message: err.Error(), Hint: "This should not happen: please report it."}
}

// withCause adds the reason to an error object that was joined with one.
func withCause(known *api.Error, err error) *api.Error {
	for err != nil {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			if all := joined.Unwrap(); len(all) == 2 && all[0] == error(known) {
				e := *known
				e.Message = strings.TrimSuffix(e.Message, ".") + ": " + all[1].Error() + "."
				return &e
			}
			break
		}
		err = errors.Unwrap(err)
	}
	return known
}

// asUsage makes an error of the command line's own parser an error object.
func asUsage(err error) error {
	var known *api.Error
	if errors.As(err, &known) {
		return err
	}
	return &api.Error{Code: api.CodeUsage, Message: err.Error() + ".", Hint: "`hoop help` lists the commands, `hoop COMMAND --help` its flags."}
}

// exitCode is the code of hoop's own failure.
func exitCode(err error) int {
	var sig signalled
	if errors.As(err, &sig) {
		return 128 + int(sig.Signal)
	}
	code, ok := exitCodes()[asError(err).Code]
	if !ok {
		return 1
	}
	return code
}

// finish says what went wrong and returns the exit code.
func (p *program) finish(err error) int {
	if err == nil {
		return 0
	}
	var done exited
	if errors.As(err, &done) {
		return int(done)
	}
	code := exitCode(err)
	var sig signalled
	if bySignal := errors.As(err, &sig); !bySignal || p.format != formatText {
		p.printError(asError(err), code)
	}
	var around aroundChild
	if errors.As(err, &around) {
		return around.code
	}
	if p.child && sig.Signal == 0 {
		return exitAround
	}
	return code
}

// endsWithin is how long a signal leaves for an orderly end.
const endsWithin = 1900 * time.Millisecond

// Main runs hoop and exits.
func Main(version string) {
	if connects(os.Args[1:]) { // it carries what others send each other, for hours
		slack.Widen()
	}
	p := &program{
		version: version, args: os.Args[1:], in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ(),
		terminal: term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())),
		screen:   term.IsTerminal(int(os.Stdout.Fd())),
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	end := func(s os.Signal) {
		sig, _ := s.(syscall.Signal)
		cancel(signalled{sig})
		time.AfterFunc(endsWithin, func() { os.Exit(128 + int(sig)) })
	}
	p.signal.Store(&end)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, passedOn()...)
	go func() {
		for s := range signals {
			(*p.signal.Load())(s)
		}
	}()
	os.Exit(p.run(ctx))
}
