package web

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/exchange"
)

// A session may be opened while its grant ends. What would be kept for that grant from then on would be kept for ever.
func TestNoJarIsMadeBehindTheEndOfAGrant(t *testing.T) {
	p := New(slog.New(slog.DiscardHandler), nil)
	target := canned(t, "HTTP/1.1 204 No Content\r\n\r\n")
	ctx, end := context.WithCancelCause(t.Context())
	if _, err := p.Open(ctx, &exchange.Client{Grant: "gr_one"}, target); err != nil || len(p.jars.grants) != 1 {
		t.Fatalf("%d jars, %v", len(p.jars.grants), err)
	}
	over := errors.New("the grant is over")
	end(over)
	p.GrantEnded("gr_one")
	if _, err := p.Open(ctx, &exchange.Client{Grant: "gr_one"}, target); !errors.Is(err, over) || len(p.jars.grants) != 0 {
		t.Errorf("%d jars, %v", len(p.jars.grants), err)
	}
}
