package localproxy

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// kubeFront is the front of connections to clusters: TLS, since clients send a token over nothing else.
type kubeFront struct {
	*Proxy
	door  *door
	tls   *tls.Config
	clear func()
}

func (p *kubeFront) listen() (err error) {
	if p.opts.SocketDir != "" {
		return noSocket(kindKubernetes, "its clients connect to a port")
	}
	if err := p.bindPort(); err != nil {
		return err
	}
	if p.endpoint.Password, err = newSecret(); err != nil {
		return err
	}
	p.door = newDoor("https", p.endpoint)
	if p.tls, p.endpoint.CA, err = newLocalTLS(); err != nil {
		return err
	}
	p.endpoint.Config, p.clear, err = writePrivate("hoop-kube-", kubeconfig([]Endpoint{p.endpoint}))
	return err
}

func (p *kubeFront) remove() {
	if p.clear != nil {
		p.clear()
	}
}

func (p *kubeFront) serve(ctx context.Context, c net.Conn, proved func() bool) {
	if c.SetDeadline(time.Now().Add(openWithin)) != nil {
		return
	}
	local, err := tunnel.Serve(ctx, c, p.tls)
	if err != nil {
		return
	}
	p.converse(ctx, local, proved, p.door, saysKubernetes)
}
