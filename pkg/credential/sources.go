package credential

import (
	"context"
	"crypto/tls"
	"fmt"
)

// Sources are where the parts of one login come from. Those that a connection has are set.
type Sources struct {
	Password, Key, Authority Source // see Login
	Token                    Source // see Login
	Value                    Source // see Login
	Certificate              Source // a client's certificate with its chain, PEM; its key is Key
}

// Each calls look with every source that is set and what it is for, in one order.
func (s *Sources) Each(look func(what string, source Source)) {
	for _, part := range s.parts(&Login{}, &Secret{}) {
		if part.source.Set() {
			look(part.what, part.source)
		}
	}
}

// part is one secret: where it comes from and where it belongs.
type part struct {
	what   string
	source Source
	to     *Secret
}

func (s *Sources) parts(l *Login, certificate *Secret) []part {
	return []part{
		{"password", s.Password, &l.Password}, {"private key", s.Key, &l.Key}, {"authority", s.Authority, &l.Authority},
		{"token", s.Token, &l.Token}, {"value", s.Value, &l.Value}, {"certificate", s.Certificate, certificate},
	}
}

// Read fetches every secret into a login. Where there is a client's certificate it answers it with its key, ready for TLS; nil: none.
// Errors never hold a secret.
func (s *Sources) Read(ctx context.Context, l *Login) (*tls.Certificate, error) {
	var certificate Secret
	for _, part := range s.parts(l, &certificate) {
		if !part.source.Set() {
			continue
		}
		read, err := part.source.Read(ctx)
		if err != nil {
			return nil, fmt.Errorf("the %s: %w", part.what, err)
		}
		*part.to = read
	}
	if !s.Certificate.Set() {
		return nil, nil
	}
	pair, err := tls.X509KeyPair([]byte(certificate.Reveal()), []byte(l.Key.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("the client's certificate and its key: %w", err)
	}
	return &pair, nil
}
