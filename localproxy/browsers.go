package localproxy

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

// signInPath is the one path that is answered here and not by the service.
const signInPath = "/.hoop/sign-in"

// cookiePrefix begins the names of hoop's cookies. None of them, of whatever run, is ever passed on.
const cookiePrefix = "hoop_local_"

// browsers are signed in by a link, which is good once, and known by a cookie from then on. A cookie is sent to every port
// of its host, and so to whoever of this machine has a page opened there: it is set for a host that was drawn for this
// listener, which only those know that were given a link, and never for one that can be guessed.
type browsers struct {
	host   string // NAME-DRAWN.localhost, with the port as browsers write it
	cookie string // its name, of this run
	secret Secret // its value
	tell   func(Event)

	mu   sync.Mutex
	code Secret // of the link that is good now
}

// drawnLength is the number of characters, of 32 that a host may have, which are drawn for one: 80 bits.
const drawnLength = 16

// longestLabel is how long what stands between two dots of a host may be (RFC 1035).
const longestLabel = 63

// browserHost draws the name that browsers reach an endpoint by; it is empty where the connection's name can't be a part of one.
func browserHost(e Endpoint) string {
	named := regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`).MatchString(e.Name)
	last := e.Name[strings.LastIndexByte(e.Name, '.')+1:]
	if !named || len(last)+1+drawnLength > longestLabel {
		return ""
	}
	return e.Name + "-" + strings.ToLower(rand.Text()[:drawnLength]) + ".localhost"
}

func newBrowsers(host string, port int, tell func(Event)) (*browsers, error) {
	var drawn [3]Secret
	for i := range drawn {
		var err error
		if drawn[i], err = newSecret(); err != nil {
			return nil, err
		}
	}
	name := fmt.Sprintf("%s%d_%s", cookiePrefix, port, drawn[0].Reveal()[:8])
	return &browsers{host: host, cookie: name, secret: drawn[1], code: drawn[2], tell: tell}, nil
}

// link is where the next browser signs in.
func (b *browsers) link() Secret {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Secret{"http://" + b.host + signInPath + "?code=" + b.code.Reveal()}
}

// signIn answers a request for the link.
func (b *browsers) signIn(q *http1.Request, host string) *reply {
	query, err := url.ParseQuery(q.Query)
	switch {
	case host != b.host || q.Method != http.MethodGet || err != nil:
		return &reply{status: http.StatusForbidden, why: &api.Error{Code: api.CodeDenied, Message: "This is not how a browser signs in.", Hint: "Open the link that `hoop connect` printed as it is."}}
	case !b.use(query.Get("code")):
		return &reply{status: http.StatusForbidden, guess: true, why: &api.Error{Code: api.CodeDenied, Message: "This link was used before, or is of an earlier `hoop connect`.",
			Hint: "Open the newest link that `hoop connect` printed: it prints one whenever one was used."}}
	}
	b.tell(Event{Type: BrowserSignedIn, SignIn: b.link()})
	r := &reply{status: http.StatusSeeOther, more: http1.Fields{{Name: "Location", Value: "/"},
		{Name: "Set-Cookie", Value: b.cookie + "=" + b.secret.Reveal() + "; Path=/; HttpOnly; SameSite=Strict"}}}
	for _, name := range staleCookies(q, b.cookie) {
		r.more = append(r.more, http1.Field{Name: "Set-Cookie", Value: name + "=; Path=/; Max-Age=0"})
	}
	return r
}

// use spends the code of the link, and draws the next.
func (b *browsers) use(code string) bool {
	next, err := newSecret()
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil || !same(code, b.code) {
		return false
	}
	b.code = next
	return true
}

// knows tells whether a request carries the cookie, as a page of this origin sends it. guessed: it carries a wrong one.
func (b *browsers) knows(q *http1.Request, host string) (known, guessed bool) {
	if b == nil || host != b.host || q.Fields.Get("Origin") == "" && q.Fields.Get("Sec-Fetch-Site") == "" {
		return false, false
	}
	for field := range q.Fields.All("Cookie") {
		for crumb := range strings.SplitSeq(field, ";") {
			if name, value, _ := strings.Cut(strings.TrimSpace(crumb), "="); name == b.cookie {
				known, guessed = known || same(value, b.secret), true
			}
		}
	}
	return known, guessed && !known
}

// takeCookies takes all cookies of hoop out of a request, whose fields are in its hands alone, and leaves the service's own.
func takeCookies(q *http1.Request) {
	left := q.Fields[:0]
	for _, f := range q.Fields {
		if strings.EqualFold(f.Name, "Cookie") {
			if f.Value = othersCookies(f.Value); f.Value == "" {
				continue
			}
		}
		left = append(left, f)
	}
	q.Fields = left
}

func othersCookies(field string) string {
	var others []string
	for crumb := range strings.SplitSeq(field, ";") {
		if crumb = strings.TrimSpace(crumb); crumb != "" && !isOurs(crumb) {
			others = append(others, crumb)
		}
	}
	return strings.Join(others, "; ")
}

func isOurs(crumb string) bool {
	return len(crumb) >= len(cookiePrefix) && strings.EqualFold(crumb[:len(cookiePrefix)], cookiePrefix)
}

// staleCookies are the names of hoop's cookies of earlier runs.
func staleCookies(q *http1.Request, current string) (names []string) {
	for field := range q.Fields.All("Cookie") {
		for crumb := range strings.SplitSeq(field, ";") {
			name, _, _ := strings.Cut(strings.TrimSpace(crumb), "=")
			if isOurs(name) && name != current && regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`).MatchString(name) {
				names = append(names, name)
			}
		}
	}
	return names
}
