package cli

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/record"
)

func (p *program) sessionsVerifyCommand() *cobra.Command {
	var keys string
	cmd := &cobra.Command{
		Use: "verify ID|FILE", Short: "Check that a recording is whole and unaltered", Args: takes(cobra.ExactArgs(1)),
		Long: `Check a recording's chain and signatures. With --keys FILE a file is checked without
asking anybody; without it the keys come from the broker. By its id a session is also
checked against the head that the broker witnessed.

Exit 0: sealed. 13: not sealed, but whole to its last checkpoint. 14: damaged.`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.verify(cmd.Context(), args[0], keys) },
	}
	cmd.Flags().StringVar(&keys, "keys", "", "file of the public keys (recordings/keys.json)")
	return cmd
}

func (p *program) verify(ctx context.Context, arg, keyFile string) error {
	keys, witnessed, err := p.trusted(ctx, arg, keyFile)
	if err != nil {
		return err
	}
	body, err := p.recording(ctx, arg)
	if err != nil {
		return err
	}
	defer body.Close()
	report, err := record.Verify(body, keys, witnessed...)
	if err != nil {
		return fmt.Errorf("read the recording: %w", err)
	}
	if err := p.print(reportObject(report), func(w io.Writer) { reportText(w, report) }); err != nil {
		return err
	}
	switch report.State {
	case record.Sealed:
		return nil
	case record.Whole:
		return &api.Error{Code: codeUnsealed, Message: fmt.Sprintf("The recording is not sealed: it is whole to frame %d.", report.LastCheckpoint), Hint: "A session that is still open is sealed when it ends."}
	}
	return &api.Error{Code: codeDamaged, Message: fmt.Sprintf("The recording is damaged: the first bad frame is %d.", report.BadFrame), Hint: "Don't rely on it from that frame on; keep the file as evidence."}
}

// trusted gathers what a recording is checked with: keys, and the head of the chain that the broker saw.
func (p *program) trusted(ctx context.Context, arg, keyFile string) (record.Keys, []record.Head, error) {
	if keyFile != "" && isFile(arg) {
		keys, err := record.LoadKeys(keyFile)
		if err != nil {
			return record.Keys{}, nil, fmt.Errorf("%w (%w)", &api.Error{Code: api.CodeUsage, Message: "The keys can't be read: " + keyFile + "."}, err)
		}
		return keys, nil, nil
	}
	s, err := p.connectBroker()
	if err != nil {
		return record.Keys{}, nil, err
	}
	defer s.Close()
	keys, err := s.recordKeys(ctx, keyFile)
	if err != nil || isFile(arg) {
		return keys, nil, err
	}
	info, err := s.SessionInfo(ctx, arg)
	if err != nil || info.Head == "" {
		return keys, nil, err
	}
	head := record.Head{Seq: info.HeadSeq}
	if n, err := hex.Decode(head.Hash[:], []byte(info.Head)); err != nil || n != len(head.Hash) {
		return keys, nil, &api.Error{Code: api.CodeUnreachable, Message: "The broker's witness of the recording can't be read."}
	}
	return keys, []record.Head{head}, nil
}

func (s *session) recordKeys(ctx context.Context, keyFile string) (record.Keys, error) {
	if keyFile != "" {
		return record.LoadKeys(keyFile)
	}
	known, err := s.Keys(ctx)
	if err != nil {
		return record.Keys{}, err
	}
	raw, err := json.Marshal(api.Keys{Keys: known})
	if err != nil {
		return record.Keys{}, fmt.Errorf("encode the broker's keys: %w", err)
	}
	return record.ParseKeys(raw)
}

func reportObject(r record.Report) object {
	return object{{"state", r.State.String()}, {"session", orNull(r.Header.Session)}, {"connection", orNull(r.Header.Connection)}, {"user", orNull(r.Header.Identity.User)},
		{"frames", r.Frames}, {"last_checkpoint", r.LastCheckpoint}, {"bad_frame", r.BadFrame}, {"why", orNull(r.Why)}, {"sealed", orNull(r.Sealed)}, {"key", orNull(r.KeyID)},
		{"head", hex.EncodeToString(r.Head.Hash[:])}}
}

func reportText(w io.Writer, r record.Report) {
	bad := ""
	if r.State == record.Damaged {
		bad = strconv.FormatUint(r.BadFrame, 10)
	}
	fieldsOf(w, "state", r.State.String(), "why", r.Why, "first bad frame", bad, "session", r.Header.Session, "connection", r.Header.Connection,
		"user", r.Header.Identity.User, "frames", strconv.FormatUint(r.Frames, 10), "last checkpoint", strconv.FormatUint(r.LastCheckpoint, 10),
		"sealed", r.Sealed, "key", r.KeyID)
}
