package exchange

import (
	"context"
	"net"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway"
)

// Door greets the clients of a protocol over HTTP.
type Door struct{ words Words }

// NewDoor makes one that speaks the protocol's words.
func NewDoor(w Words) Door { return Door{w} }

// Greet reads the head of the first request.
func (d Door) Greet(_ context.Context, client net.Conn, _ gateway.Visit) (gateway.Greeting, error) {
	c, err := Greet(client, d.words)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Refuse answers the first request where there is no session for it.
func (d Door) Refuse(g gateway.Greeting, why *api.Error) { g.(*Client).Refuse(why) }

// GrantEnded has nothing to end: nothing is kept for a grant.
func (Door) GrantEnded(string) {}
