package kubetest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// client speaks JSON with the API server, directly.
type client struct {
	url, token string
	http       *http.Client
}

// answer is what came back. A status of failure is no error.
type answer struct {
	status int
	body   []byte
}

func newClient(url, token string, ca []byte) (*client, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, errors.New("the CA is no certificate")
	}
	return &client{url: url, token: token, http: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}}, nil
}

func (c *client) do(ctx context.Context, method, path string, body []byte) (answer, error) {
	q, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("make a request: %w", err)
	}
	q.Header.Set("Authorization", "Bearer "+c.token)
	q.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		q.Header.Set("Content-Type", "application/merge-patch+json")
	}
	a, err := c.http.Do(q)
	if err != nil {
		return answer{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		return answer{}, fmt.Errorf("read the answer to %s %s: %w", method, path, err)
	}
	return answer{status: a.StatusCode, body: text}, nil
}

func (c *client) get(ctx context.Context, path string, into any) error {
	a, err := c.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("GET %s: %d: %s", path, a.status, a.body)
	}
	return json.Unmarshal(a.body, into)
}

func (c *client) create(ctx context.Context, path, object string) error {
	a, err := c.do(ctx, http.MethodPost, path, []byte(object))
	if err != nil {
		return err
	}
	if a.status != http.StatusCreated {
		return fmt.Errorf("POST %s: %d: %s", path, a.status, a.body)
	}
	return nil
}

// Do asks the API server directly, as its administrator, and answers status and body: for arranging and for looking behind the gateway.
// A PATCH is a merge patch.
func (c *Cluster) Do(t testing.TB, method, path, body string) (int, string) {
	t.Helper()
	a, err := c.client.do(t.Context(), method, path, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return a.status, string(a.body)
}
