package dev

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hoop-gateway/hoop/cmd/hoopd/config"
	"github.com/hoop-gateway/hoop/cmd/hoopd/dev/cluster"
	"github.com/hoop-gateway/hoop/cmd/hoopd/dev/sshd"
)

// Target is the database behind the connection db-prod.
type Target struct {
	Address  string
	Database string
	User     string
	Mode     string // of TLS
	CAFile   string
	Password string // the name of its file, in the state folder
}

// Target is the database of this run: the one of a connection string, or with "" the private one, which need not run.
func (s *State) Target(dsn string) (Target, error) {
	if dsn != "" {
		return s.givenTarget(dsn)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Ports.Postgres))
	return Target{Address: address, Database: cluster.Database, User: cluster.Role, Mode: config.Disable, Password: passwordFile}, nil
}

// StartCluster runs the private database of the folder.
func (s *State) StartCluster(ctx context.Context, log *slog.Logger) (*cluster.Cluster, error) {
	admin, err := s.secret(adminFile)
	if err != nil {
		return nil, err
	}
	password, err := s.secret(passwordFile)
	if err != nil {
		return nil, err
	}
	return cluster.Start(ctx, cluster.Config{
		Dir: s.Dir, Port: s.Ports.Postgres, AdminPassword: admin, RolePassword: password, Log: log,
	})
}

// givenTarget reads a connection string, as libpq's, and keeps its password for the gateway. Nothing is written to the
// database, and nothing is asked of it.
func (s *State) givenTarget(dsn string) (Target, error) {
	c, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return Target{}, errors.New("--postgres is not a connection string of PostgreSQL: write postgres://USER:PASSWORD@HOST:PORT/DATABASE")
	}
	if c.Password == "" {
		return Target{}, errors.New("--postgres has no password: the gateway keeps it for everybody, so it has to be given")
	}
	port := strconv.Itoa(int(c.Port))
	t := Target{Address: net.JoinHostPort(c.Host, port), Database: c.Database, User: c.User, Password: passwordFile}
	if strings.HasPrefix(c.Host, "/") {
		t.Address = c.Host + ":" + port
	}
	if t.Database == "" {
		t.Database = t.User
	}
	t.Mode, t.CAFile = tlsOf(dsn)
	if t.Mode == "" {
		if t.Mode = config.VerifyFull; config.IsLoopback(t.Address) {
			t.Mode = config.Disable
		}
	}
	if t.Mode == config.Disable && !config.IsLoopback(t.Address) {
		return Target{}, errors.New("--postgres would send its password over the network in clear: use sslmode=verify-full")
	}
	return t, writePrivate(filepath.Join(s.Dir, passwordFile), []byte(c.Password+"\n"))
}

// tlsOf reads what a connection string says of TLS: "" nothing. What tries TLS and does without counts as nothing.
func tlsOf(dsn string) (mode, caFile string) {
	values := map[string]string{}
	if u, err := url.Parse(dsn); err == nil && u.Scheme != "" {
		for key := range u.Query() {
			values[key] = u.Query().Get(key)
		}
	} else {
		for _, m := range regexp.MustCompile(`(\w+)\s*=\s*'?([^'\s]+)`).FindAllStringSubmatch(dsn, -1) {
			values[m[1]] = m[2]
		}
	}
	switch values["sslmode"] {
	case config.Disable, config.Require, config.VerifyCA, config.VerifyFull:
		mode = values["sslmode"]
	}
	if mode == config.VerifyCA || mode == config.VerifyFull {
		caFile = values["sslrootcert"]
	}
	return mode, caFile
}

// Check holds a configuration, which people may have changed, to what hoopd dev promises.
func (s *State) Check(c *config.Config, t Target, h *sshd.Host) error {
	for what, address := range map[string]string{"broker.listen": c.Broker.Listen, "gateway.metrics": c.Gateway.Metrics} {
		if address != "" && !config.IsLoopback(address) {
			return fmt.Errorf("%s: %s is %s, and hoopd dev listens on loopback alone: use hoopd serve for more", c.File, what, address)
		}
	}
	for _, x := range c.Connections {
		if x.Name == "db-prod" && (x.Address != t.Address || x.Database != t.Database || x.User != t.User) {
			return fmt.Errorf("%s: db-prod is %s@%s/%s there, but the database of this run is %s@%s/%s: remove the file, and it is written anew",
				c.File, x.User, x.Address, x.Database, t.User, t.Address, t.Database)
		}
		if h != nil && x.Name == HostName && (x.Address != s.hostAddress() || x.User != h.User || !slices.Equal(x.HostKeys, []string{h.HostKey})) {
			return fmt.Errorf("%s: %s is %s@%s there, but the host of this run is %s@%s, or its key is another: remove the file, and it is written anew",
				c.File, HostName, x.User, x.Address, h.User, s.hostAddress())
		}
	}
	return nil
}
