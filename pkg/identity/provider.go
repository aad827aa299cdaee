package identity

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// Types of identity.
const (
	Human    = "human"
	Workload = "workload"
	Agent    = "agent"
)

// ErrUnavailable is wrapped by errors that say nothing about the token: the provider
// could not be asked. The same token may be good later.
var ErrUnavailable = errors.New("the identity provider can't be reached")

// ErrRefused is wrapped by errors that say that the token, or the sign-in behind it, is not good.
var ErrRefused = errors.New("the token is refused")

// Config describes one provider that is trusted.
type Config struct {
	Name         string
	Issuer       string // exactly as the provider writes it
	ClientID     string // or the audience of workload tokens
	ClientSecret string
	Scopes       []string
	CAFile       string         // PEM, trusted for this provider besides RootCAs or the system's roots
	RootCAs      *x509.CertPool // nil: the system's

	UsernameClaim string // default "sub"
	GroupsClaim   string // empty: no groups
	Match         []Match
	// Type is that of a token that no rule in Match takes: Human (the default) makes an identity
	// of its claims, Workload and Agent refuse it, since only a rule can say what such a token may be.
	Type string

	Now func() time.Time // default time.Now
}

// Match makes a workload's identity of a token that has all of Claims. The first that holds wins.
type Match struct {
	Claims map[string]string
	As     string
	Groups []string
	Owner  *api.Person
	Type   string // Workload (the default) or Agent
}

// A Provider verifies the tokens of one issuer. It asks the provider for the first time
// when it is first needed, so a server starts while its provider is down.
// It is safe for concurrent use.
type Provider struct {
	cfg    Config
	client *http.Client

	mu    sync.Mutex
	found *discovered
	tried time.Time // of the last discovery that did not succeed
}

// NewProvider checks the configuration. It opens no connection.
func NewProvider(cfg Config) (*Provider, error) {
	cfg.Scopes = slices.Clone(cfg.Scopes)
	cfg.Match = slices.Clone(cfg.Match)
	setDefaults(&cfg)
	if err := check(cfg); err != nil {
		return nil, fmt.Errorf("identity provider %q: %w", cfg.Name, err)
	}
	roots, err := rootsOf(cfg)
	if err != nil {
		return nil, fmt.Errorf("identity provider %q: %w", cfg.Name, err)
	}
	return &Provider{cfg: cfg, client: newHTTPClient(roots)}, nil
}

// Name returns the name in the configuration.
func (p *Provider) Name() string { return p.cfg.Name }

// Issuer returns the issuer in the configuration.
func (p *Provider) Issuer() string { return p.cfg.Issuer }

// Describe returns what a client needs to sign in here.
func (p *Provider) Describe() api.Provider {
	return api.Provider{
		Name: p.cfg.Name, Kind: "oidc", Issuer: p.cfg.Issuer, ClientID: p.cfg.ClientID,
		Scopes: slices.Clone(p.cfg.Scopes), Device: "provider",
	}
}

// Interactive says whether people sign in here, as opposed to workloads that bring their token.
func (p *Provider) Interactive() bool { return p.cfg.Type == Human }

// Ready asks the provider for its discovery document, if that was not done yet.
func (p *Provider) Ready(ctx context.Context) error {
	_, err := p.discover(ctx)
	return err
}

func setDefaults(cfg *Config) {
	if cfg.Type == "" {
		cfg.Type = Human
	}
	if cfg.UsernameClaim == "" {
		cfg.UsernameClaim = "sub"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if len(cfg.Scopes) == 0 {
		cfg.Scopes = []string{oidc.ScopeOpenID}
	}
	for i, m := range cfg.Match {
		m.Claims, m.Groups = maps.Clone(m.Claims), slices.Clone(m.Groups)
		if m.Type == "" {
			m.Type = Workload
		}
		cfg.Match[i] = m
	}
}

func check(cfg Config) error {
	if cfg.ClientID == "" {
		return errors.New("a client id (or, for workloads, an audience) is needed: a token for anybody is not for us")
	}
	if !slices.Contains([]string{Human, Workload, Agent}, cfg.Type) {
		return fmt.Errorf("type %q is none of human, workload, agent", cfg.Type)
	}
	if cfg.Type != Human && len(cfg.Match) == 0 {
		return errors.New("without a match rule no token of a workload can be taken")
	}
	for i, m := range cfg.Match {
		if err := m.check(); err != nil {
			return fmt.Errorf("match rule %d: %w", i+1, err)
		}
	}
	return checkURL(cfg.Issuer, true)
}

func rootsOf(cfg Config) (*x509.CertPool, error) {
	if cfg.CAFile == "" {
		return cfg.RootCAs, nil
	}
	text, err := os.ReadFile(cfg.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", err)
	}
	var roots *x509.CertPool
	if cfg.RootCAs != nil {
		roots = cfg.RootCAs.Clone()
	} else if roots, err = x509.SystemCertPool(); err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca_file %s holds no certificate in PEM", cfg.CAFile)
	}
	return roots, nil
}
