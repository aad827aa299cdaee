package broker

import (
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// can answers what the caller may do on a connection within reach, or, with the power
// policy.explain there, what somebody else may.
func (b *Broker) can(c *call) (any, error) {
	in, err := read[api.CanRequest](c)
	if err != nil {
		return nil, err
	}
	if err := b.mayAsk(c.who, in.Connection, in.As != nil); err != nil {
		return nil, err
	}
	return b.cfg.Judge.Can(c.ctx(), c.who, in)
}

// mayAsk says whether who may ask about a connection, of themselves or of others.
func (b *Broker) mayAsk(who api.Identity, connection string, ofOthers bool) error {
	explains := b.may(who, policy.PolicyExplain, connection)
	_, _, err := b.reach(who, connection)
	if err != nil && !explains {
		return err
	}
	if ofOthers && !explains {
		return denied("Asking for somebody else, or of another policy, needs the power policy.explain.")
	}
	return nil
}

func (b *Broker) testPolicy(c *call) (any, error) {
	if !b.mayAny(c.who, policy.PolicyExplain) {
		return nil, denied("Testing a policy on the server needs the power policy.explain.")
	}
	in, err := read[api.PolicyRequest](c)
	if err != nil {
		return nil, err
	}
	if in.Policy == "" || in.As != nil || in.Connection != "" || in.Command != "" {
		return nil, usage("A test takes a policy and nothing else.", "Post the file in policy.")
	}
	return b.cfg.Judge.TestPolicy(c.ctx(), []byte(in.Policy))
}

func (b *Broker) explain(c *call) (any, error) {
	in, err := read[api.PolicyRequest](c)
	if err != nil {
		return nil, err
	}
	if err := b.mayAsk(c.who, in.Connection, in.As != nil || in.Policy != ""); err != nil {
		return nil, err
	}
	return b.cfg.Judge.Explain(c.ctx(), in, c.who)
}

func (b *Broker) keys(*call) (any, error) {
	keys := b.cfg.Keys()
	if keys == nil {
		keys = []api.Key{}
	}
	return api.Keys{Keys: keys}, nil
}

func (b *Broker) jwks(*call) (any, error) {
	set := b.cfg.Asserts
	if set.Keys == nil {
		set.Keys = []api.JWK{}
	}
	return set, nil
}

func (b *Broker) discovery(*call) (any, error) {
	d := api.Discovery{Version: b.cfg.Version, OldestClient: b.cfg.OldestClient, Providers: []api.Provider{}}
	for _, p := range b.cfg.Providers {
		if p.Interactive() {
			d.Providers = append(d.Providers, p.Describe())
		}
	}
	return d, nil
}
