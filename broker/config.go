package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/grant"
	"github.com/hoop-gateway/hoop/pkg/identity"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// Policy answers who may reach what. It is the one in force when it is asked for.
type Policy interface {
	// Reach returns the right of s to open c, and whether there is one.
	Reach(s policy.Subject, c policy.Connection) (policy.Reach, bool)
	// May says whether s holds the power p over c.
	May(s policy.Subject, p policy.Power, c policy.Connection) bool
	// Version names the policy's text.
	Version() string
}

// Judge answers questions about commands: the gateway that serves the connection.
// An error that is an *api.Error goes to the one who asked as it is.
type Judge interface {
	Can(ctx context.Context, who api.Identity, q api.CanRequest) (api.Can, error)
	TestPolicy(ctx context.Context, text []byte) (api.PolicyReport, error)
	Explain(ctx context.Context, q api.PolicyRequest, who api.Identity) (api.Can, error)
}

// Recordings opens what sessions left.
type Recordings interface {
	// Open returns the recording under a path of SessionInfo.Recording.
	Open(path string) (io.ReadSeekCloser, error)
}

// Connection is a named target, without anything that only the gateway needs.
type Connection struct {
	Name     string
	Kind     string
	Labels   map[string]string
	Database string
}

// Limits bound what one identity or one address can ask for. A zero field means its default.
type Limits struct {
	LiveGrants       int // default 50
	GrantsPerMinute  int // default 300: loops of `hoop connect` ask for one each time
	CallsPerMinute   int // default 1200, of any kind
	LoginsPerMinute  int // default 120, of one address
	PendingApprovals int // default 5
	ApprovalsPerHour int // default 20
}

// Config is what a Broker is made of. Every field is needed unless it says otherwise.
type Config struct {
	Version      string
	OldestClient string // default "0.0.0": every client is served
	PublicURL    string
	StateDir     string // where the key for the providers' tokens is kept
	Store        store.Store
	Providers    []*identity.Provider
	Connections  []Connection
	Policy       func() Policy
	Authority    *grant.Authority
	Gateway      api.Gateway
	Judge        Judge
	Recordings   Recordings
	Keys         func() []api.Key
	Asserts      api.JWKS         // what services verify assertions with; optional
	Clock        func() time.Time // default time.Now
	Logger       *slog.Logger     // default: nothing is logged
	Limits       Limits           // optional
}

func (c *Config) setDefaults() {
	if c.OldestClient == "" {
		c.OldestClient = "0.0.0"
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	for field, value := range map[*int]int{
		&c.Limits.LiveGrants: 50, &c.Limits.GrantsPerMinute: 300, &c.Limits.CallsPerMinute: 1200,
		&c.Limits.LoginsPerMinute: 120, &c.Limits.PendingApprovals: 5, &c.Limits.ApprovalsPerHour: 20,
	} {
		if *field <= 0 {
			*field = value
		}
	}
}

func (c *Config) check() error {
	missing := map[string]bool{
		"Store": c.Store == nil, "Policy": c.Policy == nil, "Authority": c.Authority == nil,
		"Judge": c.Judge == nil, "Recordings": c.Recordings == nil, "Keys": c.Keys == nil,
		"StateDir": c.StateDir == "", "Providers": len(c.Providers) == 0,
	}
	for name, is := range missing {
		if is {
			return fmt.Errorf("broker: %s is missing", name)
		}
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil || u.RawQuery != "" {
		return fmt.Errorf("broker: %q is not a public URL", c.PublicURL)
	}
	seen := map[string]bool{}
	for _, conn := range c.Connections {
		if conn.Name == "" || seen["c "+conn.Name] {
			return fmt.Errorf("broker: connection %q has no name, or one that is taken", conn.Name)
		}
		seen["c "+conn.Name] = true
	}
	for _, p := range c.Providers {
		if p == nil {
			return errors.New("broker: a provider is nil")
		}
		if p.Name() == "" || seen["p "+p.Name()] {
			return fmt.Errorf("broker: provider %q has no name, or one that is taken", p.Name())
		}
		seen["p "+p.Name()] = true
	}
	return nil
}
