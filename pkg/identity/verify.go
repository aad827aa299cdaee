package identity

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/hoop-gateway/hoop/pkg/api"
)

const (
	maxToken = 16 << 10
	skew     = 60 * time.Second
)

func joseAlgorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}
}

func algorithms() []string {
	var names []string
	for _, a := range joseAlgorithms() {
		names = append(names, string(a))
	}
	return names
}

// Token is a token that was verified.
type Token struct {
	Identity  api.Identity
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Verify turns an ID token into an identity. Its errors wrap ErrRefused or ErrUnavailable;
// their text holds the precise reason and is for the log, not for the one who asks.
func (p *Provider) Verify(ctx context.Context, raw string) (Token, error) {
	if err := precheck(raw); err != nil {
		return Token{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	found, err := p.discover(ctx)
	if err != nil {
		return Token{}, err
	}
	return p.verify(ctx, found, raw)
}

func (p *Provider) verify(ctx context.Context, found *discovered, raw string) (Token, error) {
	idToken, err := found.verifier.Verify(ctx, raw)
	if errors.Is(err, ErrUnavailable) {
		return Token{}, err
	}
	if err != nil {
		// The library flattens the errors of a key set into text.
		if strings.Contains(err.Error(), ErrUnavailable.Error()) {
			return Token{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		return Token{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	var payload json.RawMessage
	if err := idToken.Claims(&payload); err != nil {
		return Token{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	claims, err := decodeClaims(payload)
	if err != nil {
		return Token{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if idToken.Issuer != p.cfg.Issuer { // the library lets one provider leave out the scheme
		return Token{}, fmt.Errorf("%w: issued by %q", ErrRefused, idToken.Issuer)
	}
	if err := checkParty(claims, idToken.Audience, p.cfg); err != nil {
		return Token{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if err := checkTimes(claims, p.cfg.Now()); err != nil {
		return Token{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	id, err := p.identify(claims)
	if err != nil {
		return Token{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return Token{Identity: id, IssuedAt: idToken.IssuedAt, ExpiresAt: idToken.Expiry}, nil
}

// UnverifiedIssuer reads the issuer that a token claims, to choose the provider that
// verifies it. Nothing else may be done with it.
func UnverifiedIssuer(raw string) (string, error) {
	if err := precheck(raw); err != nil {
		return "", fmt.Errorf("%w: %w", ErrRefused, err)
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[1])
	if err != nil {
		return "", fmt.Errorf("%w: the payload is not base64url", ErrRefused)
	}
	var doc struct {
		Issuer string `json:"iss"`
	}
	if err := json.Unmarshal(payload, &doc); err != nil || doc.Issuer == "" {
		return "", fmt.Errorf("%w: no issuer", ErrRefused)
	}
	return doc.Issuer, nil
}

// precheck looks at the outer form before any parser does: size, three parts (an
// encrypted token has five), an algorithm of the list, no critical extension, and not
// an access token (RFC 9068), whose audience means something else.
func precheck(raw string) error {
	if len(raw) > maxToken {
		return fmt.Errorf("%d bytes, more than %d", len(raw), maxToken)
	}
	if strings.Count(raw, ".") != 2 {
		return errors.New("not a signed token of three parts")
	}
	header, err := base64.RawURLEncoding.DecodeString(raw[:strings.IndexByte(raw, '.')])
	if err != nil {
		return errors.New("the header is not base64url")
	}
	var h struct {
		Alg  string          `json:"alg"`
		Typ  string          `json:"typ"`
		Crit json.RawMessage `json:"crit"`
	}
	if err := json.Unmarshal(header, &h); err != nil {
		return errors.New("the header is not JSON")
	}
	switch {
	case !slices.Contains(algorithms(), h.Alg):
		return fmt.Errorf("algorithm %.20q is not accepted", h.Alg)
	case h.Crit != nil:
		return errors.New("critical header extensions are not accepted")
	case strings.Contains(strings.ToLower(h.Typ), "at+jwt"):
		return errors.New("it is an access token, not an ID token")
	}
	return nil
}

func decodeClaims(payload []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	var claims map[string]any
	if err := d.Decode(&claims); err != nil {
		return nil, fmt.Errorf("read the claims: %w", err)
	}
	return claims, nil
}

// checkParty holds that the token was made for us: among several audiences, and for
// people always where it is named, the authorized party must be us too.
func checkParty(claims map[string]any, audience []string, cfg Config) error {
	azp, named := claims["azp"]
	if len(audience) > 1 || (named && cfg.Type == Human) {
		if azp != cfg.ClientID {
			return fmt.Errorf("made for the party %v among the audiences %q", azp, audience)
		}
	}
	return nil
}

func checkTimes(claims map[string]any, now time.Time) error {
	exp, err := seconds(claims, "exp")
	if err != nil || exp.IsZero() {
		return errors.New("no readable time of expiry")
	}
	if now.After(exp.Add(skew)) {
		return fmt.Errorf("over since %s; clock skew %s", exp.UTC().Format(time.RFC3339), now.Sub(exp).Round(time.Second))
	}
	for _, name := range []string{"nbf", "iat"} {
		at, err := seconds(claims, name)
		if err != nil {
			return err
		}
		if name == "iat" && at.IsZero() {
			return errors.New("no time of issue")
		}
		if at.After(now.Add(skew)) {
			return fmt.Errorf("%s is ahead: clock skew %s", name, at.Sub(now).Round(time.Second))
		}
	}
	return nil
}

// seconds reads a NumericDate (RFC 7519 section 2). An absent one is the zero time.
func seconds(claims map[string]any, name string) (time.Time, error) {
	v, there := claims[name]
	if !there {
		return time.Time{}, nil
	}
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}, fmt.Errorf("%s is not a number", name)
	}
	f, err := n.Float64()
	if err != nil || f <= 0 || f > 1<<40 {
		return time.Time{}, fmt.Errorf("%s is out of range", name)
	}
	return time.Unix(int64(f), 0), nil
}
