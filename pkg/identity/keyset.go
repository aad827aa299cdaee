package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	freshFor   = 5 * time.Minute  // a key that the provider withdrew is refused after this
	staleFor   = 24 * time.Hour   // keys are used this long while the provider can't be asked
	askedEvery = 30 * time.Second // unknown key ids cause one fetch in this time, however many come
)

// keySet is a provider's published keys. It differs from the library's in that a token
// with an unknown key id costs the provider at most one request in askedEvery, that
// withdrawn keys end, and that an outage of the provider doesn't.
type keySet struct {
	client *http.Client
	url    string
	now    func() time.Time

	mu      sync.Mutex
	keys    []jose.JSONWebKey
	fetched time.Time // of the last success
	asked   time.Time // of the last attempt
}

func newKeySet(client *http.Client, url string, now func() time.Time) *keySet {
	return &keySet{client: client, url: url, now: now}
}

// VerifySignature implements oidc.KeySet. The token's own jku, jwk and x5u are never looked at.
func (k *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, joseAlgorithms())
	if err != nil {
		return nil, fmt.Errorf("read the token's signature: %w", err)
	}
	kid := jws.Signatures[0].Protected.KeyID
	keys, err := k.candidates(ctx, kid)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if payload, err := jws.Verify(&key); err == nil {
			return payload, nil
		}
	}
	return nil, errors.New("no published key of the issuer made this signature")
}

// candidates returns the keys that a token naming kid can be signed with.
func (k *keySet) candidates(ctx context.Context, kid string) ([]jose.JSONWebKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	known := k.match(kid)
	if now.Sub(k.fetched) < freshFor && len(known) > 0 {
		return known, nil
	}
	if k.asked.IsZero() || now.Sub(k.asked) >= askedEvery || now.Before(k.asked) {
		k.asked = now
		if keys, err := k.fetch(ctx); err == nil {
			k.keys, k.fetched = keys, now
			return k.match(kid), nil
		} else if k.fetched.IsZero() {
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	if k.fetched.IsZero() || now.Sub(k.fetched) >= staleFor {
		return nil, fmt.Errorf("the issuer's keys could not be fetched: %w", ErrUnavailable)
	}
	return known, nil
}

func (k *keySet) match(kid string) []jose.JSONWebKey {
	var found []jose.JSONWebKey
	for _, key := range k.keys {
		if kid == "" || key.KeyID == kid {
			found = append(found, key)
		}
	}
	return found
}

func (k *keySet) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	// One caller fetches for all who wait, so its own end must not fail them.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, fmt.Errorf("ask for the issuer's keys: %w", err)
	}
	res, err := k.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask for the issuer's keys: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask for the issuer's keys: status %d", res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxResponse))
	if err != nil {
		return nil, fmt.Errorf("read the issuer's keys: %w", err)
	}
	return parseKeys(body)
}

// parseKeys keeps the public keys for signatures and leaves out the rest, symmetric ones
// above all: with one of those in the list, whoever knows it could sign.
func parseKeys(body []byte) ([]jose.JSONWebKey, error) {
	var doc struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, fmt.Errorf("read the issuer's keys: %w", err)
	}
	var keys []jose.JSONWebKey
	for _, raw := range doc.Keys {
		var key jose.JSONWebKey
		// Key types that we don't know may stand in the list (RFC 7517 section 5).
		if json.Unmarshal(raw, &key) != nil || !key.Valid() || !key.IsPublic() || key.Use == "enc" {
			continue
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("the issuer publishes no key that we can verify with")
	}
	return keys, nil
}
