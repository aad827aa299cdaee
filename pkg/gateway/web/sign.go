package web

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

// newService is the service behind a target, as far as requests are understood: it knows where the credential stands, and
// what of it must never pass back.
func newService(t gateway.Target, by *Asserter, of *jar) (*service, error) {
	if t.Base == nil {
		return nil, errors.New("the connection has no address")
	}
	if t.Assertion != nil && by == nil {
		return nil, errors.New("the connection wants assertions, and there is no key for them")
	}
	s := &service{base: t.Base, prefix: strings.TrimSuffix(t.Base.EscapedPath(), "/"), rawPaths: t.RawPaths, jar: of, shownCookies: t.ShownCookies}
	var secrets []string
	for _, secret := range t.Credential.Forms() {
		secrets = append(secrets, secret.Reveal())
	}
	s.secrets = body.NewSecrets(secrets...)
	if t.Assertion != nil {
		s.asserts = strings.ToLower(t.Assertion.Header)
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

// signer adds the credential to a head, the cookies that the gateway holds, and who is served.
func (s *service) signer(t gateway.Target, by *Asserter) func(context.Context, *http1.Request) error {
	c := t.Credential
	return func(_ context.Context, head *http1.Request) error {
		var err error
		if head.Fields, err = s.filled(head.Fields); err != nil {
			return err
		}
		if t.Assertion != nil {
			who, err := by.sign(&t, head, time.Now())
			if err != nil {
				return err
			}
			head.Fields = append(head.Fields, http1.Field{Name: t.Assertion.Header, Value: who})
		}
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
