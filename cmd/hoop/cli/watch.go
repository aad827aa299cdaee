package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/hoop-gateway/hoop/pkg/record/cast"
)

func (p *program) sessionsWatchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "watch ID", Short: "See an open session from its beginning, and then as it goes on", Args: takes(cobra.ExactArgs(1)),
		Long: `Show what was done in an open session so far, and then what is done, as it is recorded,
until the session ends. One may watch one's own sessions; others with the power
sessions.watch on the connection. Every watcher is written to the audit log.

With -o json or ndjson each event is one line of JSON.`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.watch(cmd.Context(), args[0]) },
	}
}

func (p *program) watch(ctx context.Context, id string) error {
	s, err := p.connectBroker()
	if err != nil {
		return err
	}
	defer s.Close()
	body, err := s.WatchSession(ctx, id)
	if err != nil {
		return err
	}
	defer body.Close()
	r, err := record.NewReader(body)
	if err == nil && p.format == formatText {
		err = cast.Play(ctx, p.out, r, cast.PlayOptions{})
	} else if err == nil {
		err = record.Export(p.out, r, record.FormatNDJSON)
	}
	return watchError(id, r, err)
}

// watchError tells a session that ended from a stream that broke.
func watchError(id string, r *record.Reader, err error) error {
	var damage *record.DamageError
	switch {
	case err == nil && r.Sealed():
		return nil
	case err == nil:
		return &api.Error{Code: codeUnsealed, Message: "The session ended, and its recording has no seal.", Hint: "hoop sessions verify " + id + " says how far it is whole."}
	case errors.As(err, &damage):
		return readingError(err)
	}
	return errors.Join(&api.Error{
		Code: api.CodeUnreachable, Message: "The stream broke before the session ended.", Retryable: true,
		Hint: "hoop sessions watch " + id + " goes on, if the session does and you still may.",
	}, err)
}
