package localproxy

import (
	"fmt"
	"net"
	"strconv"
)

// Endpoint says how a local program reaches a Proxy.
type Endpoint struct {
	Kind     string
	Name     string // the connection's
	Host     string // the loopback address, or the socket's directory
	Port     int
	Socket   string // path of the Unix socket; empty on TCP
	User     string
	Password Secret // empty behind a Unix socket
	Database string
	Config   string // path of OpenSSH's configuration for a host, or of a cluster's kubeconfig
	CA       []byte // PEM, of a cluster
	SignIn   Secret // the link by which a browser signs in at a service, good for one; empty: none can
}

// Var is one environment variable.
type Var struct{ Name, Value string }

// Env returns what the programs of the endpoint's kind read, in a fixed order. It holds the secret in the clear.
func (e Endpoint) Env() []Var {
	k, known := kindOf(e.Kind)
	if !known {
		return nil
	}
	return k.vars(e)
}

// URL returns the endpoint as one connection string. It holds the secret in the clear.
func (e Endpoint) URL() string {
	k, known := kindOf(e.Kind)
	if !known {
		return ""
	}
	return k.url(e)
}

// Line is what a person needs to use the endpoint: a connection string, or a command. It may hold the secret in the clear.
func (e Endpoint) Line() string {
	k, known := kindOf(e.Kind)
	if !known {
		return ""
	}
	return k.line(e)
}

// String describes the endpoint without its secret.
func (e Endpoint) String() string {
	if e.Socket != "" {
		return e.Socket
	}
	return e.address()
}

func (e Endpoint) address() string { return net.JoinHostPort(e.Host, strconv.Itoa(e.Port)) }

// GoString hides the secrets from %#v.
func (e Endpoint) GoString() string { return fmt.Sprintf("localproxy.Endpoint(%s)", e) }
