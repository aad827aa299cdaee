package kube

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// cluster is one cluster as one session sees it.
type cluster struct {
	words
	log    *slog.Logger
	base   *url.URL
	prefix string // in front of the cluster's own paths
	dial   func(context.Context) (net.Conn, error)
	as     *gateway.Impersonation
	input  string
	login  credential.Login
	now    func() time.Time

	mu      sync.Mutex
	known   []string      // credentials that never pass, in whatever the cluster says
	secrets *body.Secrets // the same, to be looked for
	minted  minted
	labels  map[string]labels
}

func newCluster(p *Protocol, t gateway.Target) (*cluster, error) {
	if t.Base == nil {
		return nil, errors.New("the connection has no address")
	}
	c := &cluster{
		words: words{p.held}, log: p.log, base: t.Base, prefix: strings.TrimSuffix(t.Base.EscapedPath(), "/"), dial: exchange.Dialer(t.Base, t.TLS),
		as: t.Impersonation, input: t.Input, login: t.Credential, now: p.now, labels: map[string]labels{},
	}
	for _, secret := range t.Credential.Forms() {
		c.known = append(c.known, secret.Reveal())
	}
	c.secrets = body.NewSecrets(c.known...)
	return c, nil
}

// origin is where the cluster is.
func (c *cluster) origin() string { return c.base.Scheme + "://" + c.base.Host }

// hidden are the credentials that never pass.
func (c *cluster) hidden() *body.Secrets {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.secrets
}

// detected says whether detectors look at what this person sees.
func detected(now *guard.Standing) bool {
	return now.Masked(func(m *policy.Mask) bool { return len(m.Detect) > 0 })
}

// fieldsOf are what is masked of what a request is about. Without a policy nothing runs.
func fieldsOf(t *Tuple, now *guard.Standing) []field {
	if now == nil {
		return fields(t, nil, false)
	}
	return fields(t, now.Masks, slices.ContainsFunc(now.Shown, policy.WholeSecrets))
}

func programsOf(now *guard.Standing) policy.Programs {
	if now == nil {
		return policy.Programs{}
	}
	return now.Programs
}

var _ exchange.Protocol = (*cluster)(nil)

// rules are the masks of an answer.
func (c *cluster) rules(fields []field) (body.Rules, error) {
	all, err := paths(fields)
	return body.Rules{Paths: all, Secrets: c.hidden()}, err
}
