package credential

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// Slot is where an HTTP service wants its secret. The zero Slot is nowhere: the service asks for none.
type Slot struct {
	In   string // one of the four below; "" is nowhere
	Name string // of the header, the parameter or the cookie; "" of InBasic
}

// The places that a Slot can be.
const (
	InHeader = "header" // Value, in the header Name
	InBasic  = "basic"  // User and Password, by RFC 7617
	InQuery  = "query"  // Value, in the parameter Name
	InCookie = "cookie" // Value, in the cookie Name
)

// TokenRequest says for whom a cluster is asked to make a token: it is sent in the place of the one that asks.
type TokenRequest struct {
	Namespace, ServiceAccount string
	Audiences                 []string // nil: the cluster's own
}

// Forms are all the texts in which a login's secrets are sent or could come back: an answer that holds one of them is not shown as it
// is. Keys are not among them, as they are never sent.
func (l *Login) Forms() []Secret {
	var all []Secret
	add := func(texts ...string) {
		for _, text := range texts {
			if text != "" {
				all = append(all, Secret{text})
			}
		}
	}
	add(l.Password.Reveal(), l.Token.Reveal())
	if l.Slot.In == InBasic {
		add(l.Basic().Reveal())
	}
	value := l.Value.Reveal()
	add(value)
	if scheme, rest, ok := strings.Cut(value, " "); ok && l.Slot.In == InHeader && scheme != "" {
		add(strings.TrimSpace(rest)) // "Bearer abc": who sees abc has the secret
	}
	if escaped := url.QueryEscape(value); escaped != value {
		add(escaped)
	}
	return all
}

// Basic is what stands behind "Basic " in a header by RFC 7617.
func (l *Login) Basic() Secret {
	return Secret{base64.StdEncoding.EncodeToString([]byte(l.User + ":" + l.Password.Reveal()))}
}
