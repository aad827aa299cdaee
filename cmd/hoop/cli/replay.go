package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/hoop-gateway/hoop/pkg/record/cast"
)

func (p *program) sessionsReplayCommand() *cobra.Command {
	o := cast.PlayOptions{Timed: p.screen}
	cmd := &cobra.Command{
		Use: "replay ID|FILE", Short: "Play a session as it went", Args: takes(cobra.ExactArgs(1)),
		Long: `Play a session as it went: commands and their results, and terminals as they looked.
What could act on the terminal that it is played in is left out. Where stdout is no
terminal, all of it is written at once.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !(o.Speed > 0) {
				return &api.Error{Code: api.CodeUsage, Message: "--speed must be above 0."}
			}
			if o.IdleLimit < 0 {
				return &api.Error{Code: api.CodeUsage, Message: "--idle-limit must not be below 0."}
			}
			return p.reading(cmd.Context(), args[0], func(r *record.Reader) error { return cast.Play(cmd.Context(), p.out, r, o) })
		},
	}
	cmd.Flags().Float64Var(&o.Speed, "speed", 1, "how many times as fast")
	cmd.Flags().DurationVar(&o.IdleLimit, "idle-limit", 2*time.Second, "the longest pause; 0 sets no limit")
	return cmd
}
