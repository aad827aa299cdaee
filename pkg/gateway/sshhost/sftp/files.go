package sftp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// Config is what serving files needs.
type Config struct {
	Gate    *guard.Session
	Channel string      // "sftp" or "scp": what rules must name
	Opening *guard.Pass // of the channel: it was spent for opening Host
	Host    io.ReadWriteCloser
	User    string // at the host
	// Tell says to the client, beside the protocol, why something was refused; Waiting that it waits for a person.
	Tell    func(*guard.Refusal)
	Waiting func(message string)
	Log     *slog.Logger
}

// Files are the files of a host as the guard lets a client see them.
type Files struct {
	Config
	host       *host
	up         *guard.Upstream[*host]
	home       string
	extensions map[string]string // that the host has and that are known
	work       sync.WaitGroup
}

// Open greets the host's SFTP server. Close must be called.
func Open(ctx context.Context, c Config) (*Files, error) {
	h := newHost(c.Host)
	f := &Files{Config: c, host: h, up: guard.NewUpstream(c.Gate, h), extensions: map[string]string{}}
	stop := context.AfterFunc(ctx, func() { _ = c.Host.Close() })
	defer stop()
	in := readPackets(c.Host)
	var theirs map[string]string
	err := f.up.Continue(c.Opening, func(h *host) (err error) {
		theirs, err = h.greet(in)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, c.Host.Close())
	}
	for name, version := range offered() {
		if theirs[name] == version {
			f.extensions[name] = version
		}
	}
	f.work.Go(func() { h.read(in) })
	if err := f.findHome(ctx); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// findHome asks where paths that are not absolute begin.
func (f *Files) findHome(ctx context.Context) error {
	replies, err := f.look(ctx, request{kind: typeRealpath, path: "."})
	if err != nil {
		return err
	}
	found, ok := replies[0].names()
	if !ok || len(found) != 1 || !strings.HasPrefix(found[0].name, "/") || !plain(found[0].name) {
		return fmt.Errorf("%w: it does not say where its home is", errHost)
	}
	f.home, err = f.resolve(ctx, found[0].name, true)
	return err
}

// Resolve is a path in which no link is left.
func (f *Files) Resolve(ctx context.Context, path string, follow bool) (string, error) {
	if !plain(path) {
		return "", errName
	}
	return f.resolve(ctx, path, follow)
}

// Close ends the host's server and waits until everything of it was read.
func (f *Files) Close() error {
	err := f.Host.Close()
	f.work.Wait()
	return err
}

// Opening is the command that opens a channel for files, with what the client said for it. It is admitted where a rule names the channel; what is done in it
// is judged by itself.
func Opening(channel, text string) guard.Command {
	return guard.Command{
		Facts: policy.Command{Opens: true, SSH: &policy.SSH{Channel: channel}, Accesses: []policy.Access{{Effect: policy.Session}}},
		Text:  text, Recorded: text, Normal: text, Rewritten: text,
	}
}

// operation is one thing that is done to files, before its paths are resolved.
type operation struct {
	name   string // as rules name it
	verb   string // as people do; "": the same
	paths  []named
	detail string // what else it says
	does   func(paths []string) []policy.Access
	shows  bool // it answers what files hold
}

// named is a path as a client wrote it.
type named struct {
	path   string
	follow bool // through a link in its last part
	open   bool // it is the path of what is open, which was judged when it was opened
	base   string
}

// ready is an operation that was admitted, with the paths that were judged.
type ready struct {
	pass  *guard.Pass
	paths []string
}

var errName = errors.New("a name with control characters, or not in UTF-8")

// admit resolves an operation's paths, and asks the guard.
func (f *Files) admit(ctx context.Context, o operation, holding func()) (ready, error) {
	c, paths, err := f.command(ctx, o)
	if errors.Is(err, errName) {
		return ready{}, f.reject(ctx, o, "names", "A name with control characters, or that is no UTF-8, can't be judged.", "Rename it at the host.")
	}
	if err != nil {
		return ready{}, err
	}
	if o.shows && f.Gate.Scan() != nil {
		return ready{}, f.Gate.Reject(ctx, c, unseen())
	}
	c.Hooks = guard.Hooks{
		NoHold: func(context.Context) string { return "" }, Waiting: f.Waiting,
		Holding: func(ctx context.Context) (context.Context, func()) {
			holding()
			return ctx, func() {}
		},
	}
	c.Anew = func(ctx context.Context) (guard.Command, error) {
		fresh, _, err := f.command(ctx, o)
		return fresh, err
	}
	pass, err := f.Gate.Admit(ctx, c)
	if err != nil {
		return ready{}, err
	}
	if o.shows && pass.Scan() != nil { // the policy changed meanwhile
		r := f.Gate.Reject(ctx, c, unseen())
		return ready{}, errors.Join(r, pass.Finish(guard.Outcome{Error: r.Code}))
	}
	return ready{pass, paths}, nil
}

// command is what the guard judges of an operation.
func (f *Files) command(ctx context.Context, o operation) (c guard.Command, paths []string, err error) {
	for _, n := range o.paths {
		if !plain(n.path) {
			return c, nil, errName
		}
		path := n.path
		if n.open {
			paths = append(paths, path)
			continue
		}
		if n.base != "" && !strings.HasPrefix(path, "/") {
			path = n.base + "/" + path
		}
		if path, err = f.resolve(ctx, path, n.follow); err != nil {
			return c, nil, err
		}
		paths = append(paths, path)
	}
	text := o.text(f.Channel, paths)
	return guard.Command{
		Facts: policy.Command{
			Accesses: o.does(paths), SSH: &policy.SSH{Channel: f.Channel}, Files: &policy.Files{Operation: o.name, Paths: paths},
		},
		Text: text, Recorded: text, Normal: text, Rewritten: text,
		Context: func() []string { return []string{"user " + f.User} },
	}, paths, nil
}

// text is an operation in one line.
func (o operation) text(channel string, paths []string) string {
	verb := o.verb
	if verb == "" {
		verb = o.name
	}
	quoted := make([]string, len(paths))
	for i, p := range paths {
		quoted[i] = fmt.Sprintf("%q", p)
	}
	return channel + " " + verb + " " + strings.Join(quoted, " to ") + o.detail
}

// reject refuses an operation that can't even be judged.
func (f *Files) reject(ctx context.Context, o operation, rule, why, instead string) *guard.Refusal {
	written := make([]string, len(o.paths))
	for i, n := range o.paths {
		written[i] = n.path
	}
	text := o.text(f.Channel, written)
	return f.Gate.Reject(ctx, guard.Command{
		Facts: policy.Command{Accesses: []policy.Access{{Effect: policy.Unknown}}, SSH: &policy.SSH{Channel: f.Channel}},
		Text:  text, Recorded: text, Normal: text, Rewritten: text,
	}, api.Refusal{Code: "refused", Rule: rule, Message: why, Remedy: []api.Remedy{{Kind: "rewrite", Text: instead}}})
}

// unseen refuses to show what files hold where detectors would have to look at it: they shorten what they replace, and
// neither sizes nor offsets would be true any more.
func unseen() api.Refusal {
	return api.Refusal{
		Code: "refused", Rule: "detectors", Message: "Detectors look at what hosts answer here, and can't look at files that are downloaded.",
		Remedy: []api.Remedy{{Kind: "rewrite", Text: "Show a text with a command: ssh HOST cat FILE."}},
	}
}
