package main

import (
	"io"
	"net"
	"net/url"
	"os"

	"github.com/hoop-gateway/hoop/broker"
	"github.com/hoop-gateway/hoop/pkg/api"
)

// reachedAt is where clients find the gateway: in `serve` at the broker's own address.
func reachedAt(publicURL, ca string) api.Gateway {
	u, err := url.Parse(publicURL)
	if err != nil {
		return api.Gateway{} // the broker refuses such a URL
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	return api.Gateway{Addresses: []string{net.JoinHostPort(u.Hostname(), port)}, ServerName: gatewayName, CA: ca}
}

// laterJudge ties the knot: the broker asks the gateway, which is made after it.
type laterJudge struct{ broker.Judge }

// recordings opens recordings below their folder, and nothing outside of it.
type recordings struct{ root *os.Root }

func (r recordings) Open(path string) (io.ReadSeekCloser, error) { return r.root.Open(path) }
