package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/pkg/api"
)

func (p *program) lsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "ls", Short: "List the connections within reach", Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.ls(cmd.Context()) },
	}
}

func (p *program) ls(ctx context.Context) error {
	s, err := p.connectBroker()
	if err != nil {
		return err
	}
	defer s.Close()
	all, err := s.Connections(ctx)
	if err != nil {
		return err
	}
	p.cacheNames(s.origin, all)
	return printList(p, "connections", all, []string{"name", "kind", "database", "for", "reason", "labels"}, func(c api.Connection) []string {
		return []string{c.Name, c.Kind, c.Database, span(time.Duration(c.TTL) * time.Second), c.Reason, labels(c.Labels)}
	})
}

func labels(m map[string]string) string {
	var out []string
	for k, v := range m {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return strings.Join(out, ",")
}

// span is a duration as people write it: 30m, 1h30m, 45s.
func span(d time.Duration) string {
	text := strings.TrimSuffix(d.String(), "m0s")
	if text != d.String() {
		text += "m"
	}
	if short := strings.TrimSuffix(text, "h0m"); short != text {
		text = short + "h"
	}
	return text
}
