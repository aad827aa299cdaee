package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/hoop-gateway/hoop/pkg/record/cast"
)

func (p *program) sessionsCommand() *cobra.Command {
	return group("sessions", "See, replay and verify what was run", p.sessionsLsCommand(), p.sessionsShowCommand(),
		p.sessionsReplayCommand(), p.sessionsWatchCommand(), p.sessionsExportCommand(), p.sessionsVerifyCommand(), p.sessionsEndCommand())
}

func (p *program) sessionsLsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "ls", Short: "List one's own sessions, and those that one may read", Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := p.connectBroker()
			if err != nil {
				return err
			}
			defer s.Close()
			all, err := s.Sessions(cmd.Context())
			if err != nil {
				return err
			}
			return printList(p, "sessions", all, []string{"session", "connection", "user", "state", "started", "commands", "refused"}, func(i api.SessionInfo) []string {
				return []string{i.ID, i.Connection, i.Identity.User, i.State, local(i.StartedAt), strconv.FormatInt(i.Commands, 10), strconv.FormatInt(i.Refused, 10)}
			})
		},
	}
}

func (p *program) sessionsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show one session of the index", Args: takes(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := p.connectBroker()
			if err != nil {
				return err
			}
			defer s.Close()
			i, err := s.SessionInfo(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return p.printSession(i)
		},
	}
}

func (p *program) printSession(i api.SessionInfo) error {
	return p.print(i, func(w io.Writer) {
		fieldsOf(w, "session", i.ID, "grant", i.GrantID, "connection", i.Connection, "kind", i.Kind, "user", i.Identity.User, "client", i.Client,
			"state", i.State, "started", local(i.StartedAt), "ended", local(i.EndedAt), "why", i.EndReason,
			"commands", strconv.FormatInt(i.Commands, 10), "refused", strconv.FormatInt(i.Refused, 10), "recording", i.Recording)
	})
}

func (p *program) sessionsEndCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "end ID", Short: "End one session, its running command included", Args: takes(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := p.connectBroker()
			if err != nil {
				return err
			}
			defer s.Close()
			i, err := s.EndSession(cmd.Context(), args[0], reason)
			if err != nil {
				return err
			}
			return p.printSession(i)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	return cmd
}

// isFile tells a recording on this machine from a session's id: by a path or the ending that recordings have.
func isFile(arg string) bool {
	return strings.ContainsRune(arg, filepath.Separator) || filepath.Ext(arg) == ".hrec"
}

// recording opens a recording by its session's id, or a file.
func (p *program) recording(ctx context.Context, arg string) (io.ReadCloser, error) {
	if isFile(arg) {
		f, err := os.Open(arg)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &api.Error{Code: api.CodeNotFound, Message: "There is no file " + arg + "."}
		}
		return f, err
	}
	s, err := p.connectBroker()
	if err != nil {
		return nil, err
	}
	return s.Recording(ctx, arg)
}

// formatHRec is the recording itself, byte for byte.
const formatHRec = "hrec"

func (p *program) sessionsExportCommand() *cobra.Command {
	var format string
	formats := []string{record.FormatText, record.FormatNDJSON, cast.Format, formatHRec}
	cmd := &cobra.Command{
		Use: "export ID|FILE", Short: "Write a recording in another form, to stdout", Args: takes(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch format {
			case formatHRec:
				body, err := p.recording(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				defer body.Close()
				_, err = io.Copy(p.out, body)
				return err
			case record.FormatNDJSON, record.FormatText:
				return p.reading(cmd.Context(), args[0], func(r *record.Reader) error { return record.Export(p.out, r, format) })
			case cast.Format:
				return p.reading(cmd.Context(), args[0], func(r *record.Reader) error { return cast.Export(p.out, r) })
			}
			return &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("Format %q is not known.", format), Hint: "It is one of " + strings.Join(formats, ", ") + "."}
		},
	}
	cmd.Flags().StringVar(&format, "format", record.FormatText, strings.Join(formats, ", "))
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// reading opens a recording for what reads it frame by frame.
func (p *program) reading(ctx context.Context, arg string, read func(*record.Reader) error) error {
	body, err := p.recording(ctx, arg)
	if err != nil {
		return err
	}
	defer body.Close()
	r, err := record.NewReader(body)
	if err == nil {
		err = read(r)
	}
	return readingError(err)
}

// readingError says what is wrong with a recording, in words and exit codes.
func readingError(err error) error {
	var damage *record.DamageError
	var torn *record.TornError
	switch {
	case errors.As(err, &damage):
		return &api.Error{Code: codeDamaged, Message: fmt.Sprintf("The recording is damaged at frame %d: %s.", damage.Frame, damage.Why), Hint: "hoop sessions verify says more."}
	case errors.Is(err, cast.ErrNoTerminal):
		return &api.Error{Code: api.CodeUsage, Message: "The recording holds no terminal.", Hint: "Export it as text or ndjson."}
	case errors.As(err, &torn):
		return &api.Error{Code: codeUnsealed, Message: "The recording ends without a seal.", Hint: "hoop sessions verify says how far it is whole."}
	}
	return err
}
