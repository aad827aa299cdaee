package cli

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/login"
)

// session is a broker as one command sees it.
type session struct {
	*api.Client
	settings *settings
	origin   string
	roots    *x509.CertPool
	source   *login.Source
	workload bool // signed in by a token of the environment, which is never stored
}

// originOf brings a broker's URL into the one form that sign-ins are bound to.
func originOf(broker string) (string, error) {
	u, err := url.Parse(broker)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return "", &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("%q is not an https URL.", broker),
			Hint: "Set --broker or HOOP_BROKER to the broker's https URL."}
	}
	host := strings.ToLower(u.Hostname())
	if port := u.Port(); port != "" && port != "443" {
		host = net.JoinHostPort(host, port)
	}
	return "https://" + host, nil
}

const maxCAFile = 1 << 20

// loadRoots adds a file's certificates to the system's. Without a file the system's alone are used.
func loadRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", &api.Error{Code: api.CodeUsage, Message: "The CA file can't be read.", Hint: "Check --ca-file or HOOP_CA_FILE."}, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxCAFile))
	if err != nil {
		return nil, fmt.Errorf("read the CA file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, &api.Error{Code: api.CodeUsage, Message: file + " holds no certificate.", Hint: "It must be PEM: -----BEGIN CERTIFICATE-----."}
	}
	return roots, nil
}

// providerClient speaks to identity providers. It follows no redirect: what it sends is for one address.
func providerClient(roots *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: 10 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
