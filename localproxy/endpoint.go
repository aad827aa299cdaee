package localproxy

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
)

// Endpoint says how a local program reaches a Proxy.
type Endpoint struct {
	Kind     string
	Host     string // the loopback address, or the socket's directory
	Port     int
	Socket   string // path of the Unix socket; empty on TCP
	User     string
	Password Secret // empty behind a Unix socket
	Database string
	Name     string // of an SSH host
	Config   string // path of OpenSSH's configuration for it
}

// Var is one environment variable.
type Var struct{ Name, Value string }

// Env returns what the programs of the endpoint's kind read, in a fixed order. It holds the secret in the clear.
func (e Endpoint) Env() []Var {
	if e.Kind == kindSSH {
		return []Var{{"HOOP_SSH_CONFIG", e.Config}, {"GIT_SSH_COMMAND", "ssh -F " + quoteShell(e.Config)}}
	}
	vars := []Var{{"PGHOST", e.Host}, {"PGPORT", strconv.Itoa(e.Port)}, {"PGUSER", e.User}}
	if e.Socket == "" {
		vars = append(vars, Var{"PGPASSWORD", e.Password.Reveal()})
	}
	return append(vars, Var{"PGDATABASE", e.Database}, Var{"PGSSLMODE", "disable"}, Var{"DATABASE_URL", e.URL()})
}

// URL returns the endpoint as one connection string. It holds the secret in the clear.
func (e Endpoint) URL() string {
	if e.Kind == kindSSH {
		u := url.URL{Scheme: "ssh", User: url.User(e.User), Host: net.JoinHostPort(e.Host, strconv.Itoa(e.Port))}
		return u.String()
	}
	u := url.URL{Scheme: "postgres", Path: "/" + e.Database}
	query := url.Values{"sslmode": {"disable"}}
	if e.Socket != "" {
		u.User = url.User(e.User)
		query.Set("host", e.Host)
		query.Set("port", strconv.Itoa(e.Port))
	} else {
		u.User = url.UserPassword(e.User, e.Password.Reveal())
		u.Host = net.JoinHostPort(e.Host, strconv.Itoa(e.Port))
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// Line is what a person needs to use the endpoint: a connection string, or a command. It may hold the secret in the clear.
func (e Endpoint) Line() string {
	if e.Kind == kindSSH {
		return "ssh -F " + quoteShell(e.Config) + " " + e.Name
	}
	return e.URL()
}

// String describes the endpoint without its secret.
func (e Endpoint) String() string {
	if e.Socket != "" {
		return e.Socket
	}
	return fmt.Sprintf("%s:%d", e.Host, e.Port)
}
