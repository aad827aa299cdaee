package web

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

// newService is the service behind a target, as far as requests are understood: it knows where the credential stands, and
// what of it must never pass back.
func newService(t gateway.Target) (*service, error) {
	if t.Base == nil {
		return nil, errors.New("the connection has no address")
	}
	s := &service{base: t.Base, prefix: strings.TrimSuffix(t.Base.EscapedPath(), "/")}
	for _, secret := range t.Credential.Forms() {
		s.secrets = append(s.secrets, secret.Reveal())
	}
	switch slot := t.Credential.Slot; slot.In {
	case credential.InHeader:
		s.field = strings.ToLower(slot.Name)
	case credential.InCookie:
		s.cookie = slot.Name
	case credential.InQuery:
		s.parameter = slot.Name
	}
	return s, nil
}

// signer adds the credential to a head.
func (s *service) signer(t gateway.Target) func(context.Context, *http1.Request) error {
	c := t.Credential
	return func(_ context.Context, head *http1.Request) error {
		switch c.Slot.In {
		case credential.InHeader:
			head.Fields = append(head.Fields, http1.Field{Name: c.Slot.Name, Value: c.Value.Reveal()})
		case credential.InBasic:
			head.Fields = append(head.Fields, http1.Field{Name: "Authorization", Value: "Basic " + c.Basic().Reveal()})
		case credential.InQuery:
			if head.Query != "" {
				head.Query += "&"
			}
			head.Query, head.Asked = head.Query+url.QueryEscape(c.Slot.Name)+"="+url.QueryEscape(c.Value.Reveal()), true
		case credential.InCookie:
			head.Fields = joinCookie(head.Fields, c.Slot.Name+"="+c.Value.Reveal())
		}
		return nil
	}
}

// joinCookie adds a cookie to those of the client: there is one field of them (RFC 6265, section 5.4).
func joinCookie(fields http1.Fields, cookie string) http1.Fields {
	for i, f := range fields {
		if strings.EqualFold(f.Name, "Cookie") {
			fields[i].Value = f.Value + "; " + cookie
			return fields
		}
	}
	return append(fields, http1.Field{Name: "Cookie", Value: cookie})
}
