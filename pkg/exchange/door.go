package exchange

import (
	"bufio"
	"context"
	"errors"
	"net"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// Door greets the clients of a protocol over HTTP.
type Door struct{ words Words }

// NewDoor makes one that speaks the protocol's words.
func NewDoor(w Words) Door { return Door{w} }

// Greet reads the head of a socket's first request. What is no request is answered.
func (d Door) Greet(ctx context.Context, conn net.Conn, v gateway.Visit) (gateway.Greeting, error) {
	c := &Client{Grant: v.GrantID, conn: conn, reader: bufio.NewReaderSize(conn, roomOfReader), words: d.words}
	var err error
	if c.first, err = http1.ReadRequest(c.reader); err != nil {
		if reply, ok := malformed(d.words, err); ok {
			_ = write(conn, nil, reply, true)
			tunnel.Part(ctx, conn, partWithin, tellWithin, nil)
		}
		return nil, errors.Join(err, conn.Close())
	}
	return c, nil
}

// Refuse answers the first request where there is no session for it.
func (d Door) Refuse(g gateway.Greeting, why *api.Error) { g.(*Client).Refuse(why) }

// GrantEnded has nothing to end: nothing is kept for a grant.
func (Door) GrantEnded(string) {}
