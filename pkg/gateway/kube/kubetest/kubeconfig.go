package kubetest

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// kubeconfigText is a KUBECONFIG with one cluster, one bearer and the namespace stg.
func (c *Cluster) kubeconfigText(token string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: direct
clusters: [{name: direct, cluster: {server: %q, certificate-authority-data: %q}}]
users: [{name: direct, user: {token: %q}}]
contexts: [{name: direct, context: {cluster: direct, user: direct, namespace: stg}}]
`, c.URL, base64.StdEncoding.EncodeToString(c.authority.pem), token)
}

// Kubeconfig writes a KUBECONFIG that reaches the API server directly with one of the tokens, and answers its path.
func (c *Cluster) Kubeconfig(t testing.TB, token string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte(c.kubeconfigText(token)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ClientCertificate makes a certificate and its key, as PEM, with which the API server knows a user and their groups.
func (c *Cluster) ClientCertificate(t testing.TB, user string, groups ...string) (cert, key []byte) {
	t.Helper()
	cert, key, err := c.authority.sign(user, groups...)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}
