package localproxy

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/pump"
)

func ofPostgres() kind {
	return kind{
		front: func(p *Proxy) front { return &postgres{Proxy: p} },
		looks: pump.Busy,
		url:   postgresURL,
		line:  postgresURL,
		vars:  postgresVars,
		inherited: func(name string) bool {
			return strings.HasPrefix(name, "PG") || name == "DATABASE_URL"
		},
	}
}

func postgresVars(e Endpoint) []Var {
	vars := []Var{{"PGHOST", e.Host}, {"PGPORT", strconv.Itoa(e.Port)}, {"PGUSER", e.User}}
	if e.Socket == "" {
		vars = append(vars, Var{"PGPASSWORD", e.Password.Reveal()})
	}
	return append(vars, Var{"PGDATABASE", e.Database}, Var{"PGSSLMODE", "disable"}, Var{"DATABASE_URL", postgresURL(e)})
}

func postgresURL(e Endpoint) string {
	u := url.URL{Scheme: "postgres", Path: "/" + e.Database}
	query := url.Values{"sslmode": {"disable"}}
	if e.Socket != "" {
		u.User = url.User(e.User)
		query.Set("host", e.Host)
		query.Set("port", strconv.Itoa(e.Port))
	} else {
		u.User = url.UserPassword(e.User, e.Password.Reveal())
		u.Host = e.address()
	}
	u.RawQuery = query.Encode()
	return u.String()
}
