package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

// sign adds the credential to a head, and whom the cluster is to take this person for. A client's certificate is the
// connection's.
func (c *cluster) sign(ctx context.Context, head *http1.Request) error {
	signed, err := c.credentials(ctx)
	head.Fields = append(head.Fields, signed...)
	return err
}

// credentials are the fields that sign adds.
func (c *cluster) credentials(ctx context.Context) (http1.Fields, error) {
	token, err := c.token(ctx)
	if err != nil {
		return nil, err
	}
	signed := bearer(token)
	if c.as == nil {
		return signed, nil
	}
	signed = append(signed, http1.Field{Name: "Impersonate-User", Value: c.as.User})
	for _, g := range c.as.Groups {
		signed = append(signed, http1.Field{Name: "Impersonate-Group", Value: g})
	}
	for name, values := range c.as.Extra {
		for _, v := range values {
			signed = append(signed, http1.Field{Name: "Impersonate-Extra-" + url.PathEscape(name), Value: v})
		}
	}
	return signed, nil
}

// bearer is a token as the field that signs with it; nothing without one.
func bearer(token string) http1.Fields {
	if token == "" {
		return nil
	}
	return http1.Fields{{Name: "Authorization", Value: "Bearer " + token}}
}

// minted is a token that the cluster made.
type minted struct {
	token string
	until time.Time // when another one is asked for
}

// lifetime is how long tokens live that are asked for: ten minutes, the least that clusters give.
const lifetime = 600

// token is what the gateway signs in with: its own token, or one that it asks the cluster for with that.
func (c *cluster) token(ctx context.Context) (string, error) {
	own := c.login.Token.Reveal()
	if c.login.Request == nil {
		return own, nil
	}
	c.mu.Lock()
	known := c.minted
	c.mu.Unlock()
	if known.token != "" && c.now().Before(known.until) {
		return known.token, nil
	}
	ask := map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": map[string]any{"expirationSeconds": lifetime}}
	if audiences := c.login.Request.Audiences; len(audiences) > 0 {
		ask["spec"].(map[string]any)["audiences"] = audiences
	}
	text, err := json.Marshal(ask)
	if err != nil {
		return "", err
	}
	path := "/api/v1/namespaces/" + c.login.Request.Namespace + "/serviceaccounts/" + c.login.Request.ServiceAccount + "/token"
	var got struct {
		Status struct {
			Token               string    `json:"token"`
			ExpirationTimestamp time.Time `json:"expirationTimestamp"`
		} `json:"status"`
	}
	if err := c.own(ctx, bearer(own), "POST", path, text, &got); err != nil {
		return "", fmt.Errorf("ask for a token: %w", err)
	}
	if got.Status.Token == "" {
		return "", fmt.Errorf("ask for a token: the answer has none")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	left := min(got.Status.ExpirationTimestamp.Sub(now), lifetime*time.Second)
	c.minted = minted{got.Status.Token, now.Add(left * 3 / 4)}
	c.known = append(c.known[:len(c.known):len(c.known)], got.Status.Token)
	c.secrets = body.NewSecrets(c.known...)
	return got.Status.Token, nil
}
