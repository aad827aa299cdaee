package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/hoop-gateway/hoop/localproxy"
	"github.com/hoop-gateway/hoop/pkg/api"
)

// links are the connections that one `hoop connect` opens.
type links struct {
	program *program
	options connectOptions
	all     []*link
}

// ask gets one more grant. Listeners come when all are there.
func (s *links) ask(ctx context.Context, broker *session, out *outlet, name string) error {
	s.program.connection, s.program.grant = name, ""
	grant, err := s.program.askAndWait(ctx, broker, name, s.options)
	if err != nil {
		grant.end(ctx)
		return err
	}
	s.program.grant = grant.ID
	s.all = append(s.all, &link{
		program: s.program, options: s.options, broker: broker, grant: grant, sink: &sink{outlet: out, program: s.program, connection: name, grant: grant.ID},
		ended: make(chan api.GrantEvent, 1), idle: make(chan struct{}, 1), served: make(chan error, 1),
	})
	return nil
}

// run opens the listeners, says that they are ready, and holds them until the program, the grants or the person end it.
func (s *links) run(ctx context.Context, program string) error {
	s.program.many = len(s.all) > 1
	for _, l := range s.all {
		s.program.connection, s.program.grant = l.sink.connection, l.sink.grant
		shut, err := l.open(ctx)
		defer shut()
		if err != nil {
			return err
		}
	}
	if s.program.many {
		s.program.connection, s.program.grant = "", ""
	}
	vars, kinds, remove, err := s.environment()
	if err != nil {
		return err
	}
	defer remove()
	for _, l := range s.all {
		l.sink.ready(l.grant, l.proxy.Endpoint())
	}
	if len(s.options.command) > 0 {
		return s.program.runChild(ctx, program, s.withConfig(vars), kinds, vars)
	}
	return s.hold(ctx)
}

// environment is what a program needs to use all connections, which is also written where --env-file says.
func (s *links) environment() (vars []localproxy.Var, kinds []string, remove func(), err error) {
	remove = func() {}
	if s.options.envFile == "" && len(s.options.command) == 0 {
		return nil, nil, remove, nil
	}
	var all []localproxy.Endpoint
	for _, l := range s.all {
		all, kinds = append(all, l.proxy.Endpoint()), append(kinds, l.grant.Connection.Kind)
	}
	vars, written, err := localproxy.Environment(all)
	if err != nil {
		return nil, nil, remove, err
	}
	if s.options.envFile == "" {
		return vars, kinds, written, nil
	}
	if err := writeEnvFile(s.options.envFile, vars); err != nil {
		written()
		return nil, nil, remove, err
	}
	return vars, kinds, func() { _ = os.Remove(s.options.envFile); written() }, nil
}

// withConfig is the command; OpenSSH's own programs are given the configuration, which they look for nowhere else. A -F of
// theirs comes later, and is the one that they take.
func (s *links) withConfig(vars []localproxy.Var) []string {
	command := s.options.command
	i := slices.IndexFunc(vars, func(v localproxy.Var) bool { return v.Name == "HOOP_SSH_CONFIG" })
	name := strings.TrimSuffix(filepath.Base(command[0]), ".exe")
	if i < 0 || !slices.Contains([]string{"ssh", "scp", "sftp"}, name) {
		return command
	}
	return slices.Concat(command[:1], []string{"-F", vars[i].Value}, command[1:])
}

// hold waits without a program, until all grants are over. It answers how the first of them ended.
func (s *links) hold(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if s.options.watchStdin {
		go func() { // a read of stdin can't be ended: the process ends first
			_, _ = io.Copy(io.Discard, s.program.in)
			stop(errStdin)
		}()
	}
	ends := make(chan error, len(s.all))
	var wg sync.WaitGroup
	for _, l := range s.all {
		wg.Go(func() { ends <- l.hold(ctx) })
	}
	wg.Wait()
	if err := <-ends; !errors.Is(err, errStdin) {
		return err
	}
	return nil
}

// errStdin ends a hold in order.
var errStdin = errors.New("stdin ended")

// over writes the last event of every connection whose grant did not end it. What went wrong is said of the one that it is
// about, or of all.
func (s *links) over(out *outlet, err error) {
	about := s.program.connection
	known := false
	for _, l := range s.all {
		known = known || l.sink.connection == about
		if about == "" || l.sink.connection == about {
			l.sink.over(err)
		} else {
			l.sink.over(nil)
		}
	}
	if err != nil && !known && about != "" {
		(&sink{outlet: out, program: s.program, connection: about}).over(err)
	}
}

// end gives all grants back, and tells of those that had ended before: the gateway ends what runs under a grant as soon as it hears
// of the grant's end, so that a program may be gone before hoop has heard of it too.
func (s *links) end(ctx context.Context) {
	var wg sync.WaitGroup
	for _, l := range s.all {
		wg.Go(func() {
			if closed := l.grant.end(ctx); closed != nil && !l.sink.done.Load() {
				l.sink.closed(*closed)
			}
		})
	}
	wg.Wait()
}
