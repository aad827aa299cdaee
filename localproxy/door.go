package localproxy

import (
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

// door decides which requests may pass, and takes out of them what proved that. A web page in a browser on this machine
// can send requests here too: none of those may pass, whatever they carry.
type door struct {
	name     string            // the connection's
	origins  map[string]string // by the Host that a client may name
	secret   Secret
	basic    bool      // Basic authentication proves too
	browsers *browsers // those that signed in; nil: none can
	closed   bool      // nobody passes: another user is at a Unix socket
}

// newDoor makes the door of an endpoint on TCP.
func newDoor(scheme string, e Endpoint) *door {
	d := &door{name: e.Name, secret: e.Password, origins: map[string]string{}}
	for _, host := range []string{loopback, "localhost", e.Name + ".localhost"} {
		d.know(scheme, host, e.Port)
	}
	return d
}

// know takes host for a name of this endpoint, and answers what browsers name as Host then.
func (d *door) know(scheme, host string, port int) (named string) {
	named = net.JoinHostPort(host, strconv.Itoa(port))
	d.origins[named] = scheme + "://" + named
	if port == map[string]int{"http": 80, "https": 443}[scheme] {
		named = host
		d.origins[named] = scheme + "://" + named
	}
	return named
}

// admit answers nil for a request that may pass, which then has no secret of ours any more.
func (d *door) admit(q *http1.Request) *reply {
	switch {
	case d == nil: // behind a Unix socket, where the peer's uid is the proof
		return nil
	case d.closed:
		return &reply{status: http.StatusForbidden, why: &api.Error{Code: api.CodeDenied, Message: "This socket belongs to another user."}}
	}
	host, r := d.checkOrigin(q)
	switch {
	case r != nil:
		return r
	case d.browsers != nil && q.Path == signInPath:
		return &reply{ask: func() *reply { return d.browsers.signIn(q, host) }}
	}
	r = d.checkSecret(q, host)
	takeCookies(q)
	return r
}

// checkOrigin refuses what a page of another origin sends: by a name that it made mean this machine (DNS rebinding, which
// shows in Host), or by a form, an image, a script or a WebSocket (which shows in Origin or Sec-Fetch-Site).
func (d *door) checkOrigin(q *http1.Request) (host string, r *reply) {
	hosts := 0
	for said := range q.Fields.All("Host") {
		host, hosts = strings.ToLower(said), hosts+1
	}
	if hosts != 1 {
		return "", foreign("The request does not name one Host.")
	}
	own, known := d.origins[host]
	if !known {
		return "", foreign("The request names a Host that this is not.")
	}
	sites := q.Fields.Values("Sec-Fetch-Site")
	for _, site := range sites {
		if site != "same-origin" && site != "none" {
			return "", foreign("The request comes from another page.")
		}
	}
	ownPage := len(sites) == 1 && sites[0] == "same-origin"
	for origin := range q.Fields.All("Origin") {
		if origin != own && !(origin == unnamed && ownPage) {
			return "", foreign("The request comes from a page of another origin.")
		}
	}
	return host, nil
}

// unnamed is the Origin of a form of a page that says who it is to nobody (Referrer-Policy: no-referrer), as pages for signing in do, and
// also that of a page in a sandbox. Browsers tell the two apart: the second is no page of this origin.
const unnamed = "null"

func foreign(message string) *reply {
	return &reply{status: http.StatusForbidden, why: &api.Error{Code: api.CodeDenied, Message: message,
		Hint: "Pages of other origins can't use a connection of hoop. An address is opened by typing or pasting it, not by a link on another page."}}
}

// checkSecret takes Authorization out of a request that it proves. What it says else is for the service.
func (d *door) checkSecret(q *http1.Request, host string) *reply {
	last, said := "", 0
	for value := range q.Fields.All("Authorization") {
		last, said = value, said+1
	}
	if said == 1 && d.proves(last) {
		q.Fields = q.Fields.Without("Authorization")
		return nil
	}
	known, guessed := d.browsers.knows(q, host)
	if known && said <= 1 {
		return nil
	}
	r := &reply{status: http.StatusUnauthorized, guess: guessed || said > 0, why: &api.Error{Code: api.CodeSignInNeeded,
		Message: "The request does not carry the secret of the running `hoop connect " + d.name + "`.", Hint: "Print it with: hoop env " + d.name}}
	if d.browsers != nil {
		r.page = "In a browser, open the link that `hoop connect` printed. Each link is good for one sign-in; the next is printed when one was used."
	}
	// A browser that is asked would show a dialog instead of the page, and send the secret along with whatever any page asks.
	if d.basic && !fromBrowser(q) {
		r.more = http1.Fields{{Name: "WWW-Authenticate", Value: `Basic realm="hoop", charset="UTF-8"`}}
	}
	return r
}

// proves tells whether an Authorization is the secret: the token of Bearer, or the password of the user hoop.
func (d *door) proves(said string) bool {
	scheme, value, _ := strings.Cut(said, " ")
	value = strings.TrimLeft(value, " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
	case strings.EqualFold(scheme, "Basic") && d.basic:
		pair, err := base64.StdEncoding.DecodeString(value)
		user, password, _ := strings.Cut(string(pair), ":")
		if err != nil || user != "hoop" {
			return false
		}
		value = password
	default:
		return false
	}
	return same(value, d.secret)
}

// same compares in a time that tells nothing of the secret.
func same(value string, secret Secret) bool {
	return secret.Reveal() != "" && subtle.ConstantTimeCompare([]byte(value), []byte(secret.Reveal())) == 1
}

// fromBrowser tells requests of pages by what only browsers send.
func fromBrowser(q *http1.Request) bool {
	return slices.ContainsFunc(q.Fields, func(f http1.Field) bool {
		return strings.EqualFold(f.Name, "Origin") || len(f.Name) > 10 && strings.EqualFold(f.Name[:10], "Sec-Fetch-")
	})
}
