// Package cli is the command line of hoop: one file for each command, which parses its flags into an options
// struct and runs it. What it prints and how it exits is public API: output.go and exit.go.
package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/login"
)

// program is one run of hoop: what it was started with, and nothing that outlives it.
type program struct {
	version string
	args    []string
	in      io.Reader
	out     io.Writer
	err     io.Writer
	environ []string
	// terminal tells whether a person is there to be asked: both stdin and stderr are terminals.
	terminal bool
	screen   bool          // stdout is a terminal
	keyring  login.Keyring // nil: the system's

	format string // of the output: text, json or ndjson
	began  bool   // a command runs: errors before that are errors of usage
	child  bool   // the command runs another program: hoop's own failures exit with 125
	many   bool   // several connections are open: the end of one is not the end
	// connection and grant are what an error is about, once that is known.
	connection, grant string

	flags    *flagValues
	settings *settings
	// signal takes the signals that arrive: by default they end the context, while a child runs they are passed on.
	signal atomic.Pointer[func(os.Signal)]
}

// run executes the command line and returns the exit code.
func (p *program) run(ctx context.Context) int {
	p.format = guessFormat(p.args, p.getenv("HOOP_OUTPUT"))
	p.child = runsProgram(p.args)
	root := p.root()
	root.SetArgs(p.args)
	err := root.ExecuteContext(ctx)
	var done exited
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.As(err, &done) {
		err = cause // whatever failed, failed because of it
	}
	if err != nil && !p.began {
		err = asUsage(err)
	}
	return p.finish(err)
}

// runsProgram tells `hoop connect … -- CMD` before the flags are parsed, so that an error of the parser exits like every
// other failure around the program.
func runsProgram(args []string) bool {
	return connects(args) && slices.Contains(args, "--")
}

// connects tells `hoop connect` before the flags are parsed. What shells ask for completion (__complete …) is none.
func connects(args []string) bool {
	dash, command := slices.Index(args, "--"), slices.Index(args, "connect")
	return command >= 0 && (dash < 0 || dash > command) && !strings.HasPrefix(args[0], "__")
}

func (p *program) getenv(name string) string {
	return lookup(p.environ, name)
}

// connectBroker makes the client of the broker that the settings name, signed in by whatever there is.
// It sends nothing yet.
func (p *program) connectBroker() (*session, error) {
	set, err := p.load()
	if err != nil {
		return nil, err
	}
	if set.Broker == "" {
		return nil, &api.Error{Code: api.CodeUsage, Message: "No broker is set.", Hint: "Set HOOP_BROKER, or run `hoop login --broker https://…`."}
	}
	roots, err := loadRoots(set.CAFile)
	if err != nil {
		return nil, err
	}
	s := &session{settings: set, roots: roots}
	if s.origin, err = originOf(set.Broker); err != nil {
		return nil, err
	}
	s.Client, err = api.NewClient(set.Broker, roots, func(ctx context.Context) (string, error) { return s.source.Token(ctx) }, api.ClientVersion(p.version))
	if err != nil {
		return nil, err
	}
	return s, p.signedIn(s)
}

// signedIn finds where the session's sign-in comes from.
func (p *program) signedIn(s *session) error {
	providers := providerClient(s.roots)
	workload, err := login.FindWorkload(s.settings.TokenFile, p.getenv, providers, s.origin)
	if err != nil {
		return err
	}
	s.workload = workload != nil
	var store *login.Store
	if workload == nil && s.settings.TokenStore != login.KeepNone {
		dir, err := p.stateDir()
		if err != nil {
			return err
		}
		if store, err = login.NewStore(dir, s.settings.TokenStore, p.keyring, p.warn); err != nil {
			return err
		}
	}
	s.source = login.NewSource(login.Options{Origin: s.origin, Broker: s.Client, HTTP: providers, Store: store, Workload: workload})
	return nil
}

// stamp is how every time is written.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
