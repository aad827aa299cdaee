package localproxy

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
)

const (
	varURL    = "HOOP_URL"
	varSocket = "HOOP_SOCKET"
)

func ofHTTP() kind {
	return kind{
		front: func(p *Proxy) front { return &httpFront{Proxy: p} },
		url:   httpURL,
		line: func(e Endpoint) string {
			if e.Socket != "" {
				return "curl --unix-socket " + quoteShell(e.Socket) + " " + httpURL(e) + "/"
			}
			return httpURL(e)
		},
		vars: func(e Endpoint) []Var { return httpVars("", e) },
		join: joinHTTP,
		inherited: func(name string) bool {
			return name == varURL || name == varSocket || strings.HasPrefix(name, varURL+"_")
		},
		proxied: true,
	}
}

// httpURL has the secret in the place that curl and most libraries read as Basic authentication.
func httpURL(e Endpoint) string {
	if e.Socket != "" {
		return "http://localhost" // which the program of --unix-socket never looks up
	}
	u := url.URL{Scheme: "http", User: url.UserPassword(e.User, e.Password.Reveal()), Host: e.address()}
	return u.String()
}

func httpVars(suffix string, e Endpoint) []Var {
	vars := []Var{{varURL + suffix, httpURL(e)}}
	if e.Socket != "" {
		vars = append(vars, Var{varSocket + suffix, e.Socket})
	}
	return vars
}

// joinHTTP gives each of several services a variable of its own, HOOP_URL_GRAFANA, and none the plain one.
func joinHTTP(all []Endpoint) ([]Var, func(), error) {
	var vars []Var
	for _, e := range all {
		more := httpVars("_"+upperName(e.Name), e)
		if slices.ContainsFunc(vars, func(v Var) bool { return v.Name == more[0].Name }) {
			return nil, nil, &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("%s would stand for two connections.", more[0].Name),
				Hint: "Run one `hoop connect` for each of them."}
		}
		vars = append(vars, more...)
	}
	return vars, func() {}, nil
}

// upperName is a connection's name as it stands in the name of a variable.
func upperName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(name))
}

// Direct keeps programs of some kinds from sending requests for loopback to a proxy that the environment names: it is
// what NO_PROXY must be, in both spellings. It is empty where no kind needs it.
func Direct(kinds []string, getenv func(string) string) []Var {
	if !slices.ContainsFunc(kinds, func(name string) bool { k, _ := kindOf(name); return k.proxied }) {
		return nil
	}
	var vars []Var
	for _, names := range [][2]string{{"NO_PROXY", "no_proxy"}, {"no_proxy", "NO_PROXY"}} {
		hosts := strings.FieldsFunc(getenv(names[0]), func(r rune) bool { return r == ',' || r == ' ' })
		if len(hosts) == 0 {
			hosts = strings.FieldsFunc(getenv(names[1]), func(r rune) bool { return r == ',' || r == ' ' })
		}
		if !slices.Contains(hosts, "*") {
			hosts = append(hosts, loopback, "localhost")
		}
		vars = append(vars, Var{names[0], strings.Join(hosts, ",")})
	}
	return vars
}
