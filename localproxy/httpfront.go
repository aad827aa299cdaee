package localproxy

import (
	"context"
	"net"

	"github.com/hoop-gateway/hoop/localproxy/relay"
)

// httpFront is the front of connections to HTTP services.
type httpFront struct {
	*Proxy
	door *door
}

func (p *httpFront) listen() error {
	p.endpoint.User = "hoop"
	if p.opts.SocketDir != "" {
		return p.bindSocket("http.sock")
	}
	if err := p.bindPort(); err != nil {
		return err
	}
	secret, err := newSecret()
	if err != nil {
		return err
	}
	p.endpoint.Password = secret
	p.door = newDoor("http", p.endpoint)
	p.door.basic = true
	if host := browserHost(p.endpoint); host != "" {
		if p.door.browsers, err = newBrowsers(p.door.know("http", host, p.endpoint.Port), p.endpoint.Port, p.event); err != nil {
			return err
		}
		p.endpoint.SignIn = p.door.browsers.link()
	}
	return nil
}

func (*httpFront) remove() {}

func (p *httpFront) serve(ctx context.Context, c net.Conn, proved func() bool) {
	local, ok := c.(relay.Conn)
	if !ok {
		return
	}
	d := p.door
	if p.opts.SocketDir != "" && !ours(c) {
		d = &door{closed: true}
	}
	p.converse(ctx, local, proved, d, saysHTTP)
}
