package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/pkg/api"
)

const (
	maxName   = 256
	maxGroups = 1000
)

// identify makes the identity of verified claims: by the first match rule that holds,
// else, where people sign in here, by the configured claims.
func (p *Provider) identify(claims map[string]any) (api.Identity, error) {
	id := api.Identity{Issuer: p.cfg.Issuer}
	var err error
	if id.Claims, err = plain(claims); err != nil {
		return api.Identity{}, err
	}
	if id.Subject, err = text(claims, "sub"); err != nil {
		return api.Identity{}, err
	}
	for _, m := range p.cfg.Match {
		if m.holds(claims) {
			id.User, id.Groups, id.Type = m.As, slices.Clone(m.Groups), m.Type
			if m.Owner != nil {
				owner := *m.Owner
				id.Owner = &owner
			}
			return id, nil
		}
	}
	if p.cfg.Type != Human {
		return api.Identity{}, errors.New("no match rule takes this workload")
	}
	id.Type = Human
	if id.User, err = text(claims, p.cfg.UsernameClaim); err != nil {
		return api.Identity{}, err
	}
	// Absent is another thing than false: some providers never say.
	if verified, said := claims["email_verified"]; p.cfg.UsernameClaim == "email" && said && verified != true && verified != "true" {
		return api.Identity{}, errors.New("the e-mail address that names the user is not verified")
	}
	id.Groups, err = groups(claims, p.cfg.GroupsClaim)
	return id, err
}

// plain returns the claims with numbers as float64, the form that they also have once they were stored.
func plain(claims map[string]any) (map[string]any, error) {
	text, err := json.Marshal(claims)
	if err != nil {
		return nil, fmt.Errorf("keep the claims: %w", err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, fmt.Errorf("keep the claims: %w", err)
	}
	return out, nil
}

// text reads a claim that names somebody: short, and of characters that can be shown as they are.
func text(claims map[string]any, name string) (string, error) {
	s, ok := claims[name].(string)
	if !ok || s == "" {
		return "", fmt.Errorf("the claim %s is missing or not a text", name)
	}
	return s, checkName(s)
}

func checkName(s string) error {
	if len(s) > maxName || !utf8.ValidString(s) || strings.TrimSpace(s) != s {
		return errors.New("a name is too long, not UTF-8, or has spaces around it")
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return errors.New("a name holds a character that can't be shown")
		}
	}
	return nil
}

// groups reads the groups claim. Groups that the provider left out of the token, as some
// do for people in many, are an error: a rule that denies by group must not be missed.
func groups(claims map[string]any, name string) ([]string, error) {
	if name == "" {
		return []string{}, nil
	}
	if left, ok := claims["_claim_names"].(map[string]any); ok && left[name] != nil {
		return nil, fmt.Errorf("the provider left the claim %s out of the token: too many groups", name)
	}
	var list []any
	switch v := claims[name].(type) {
	case nil:
		return []string{}, nil
	case string:
		list = []any{v}
	case []any:
		list = v
	default:
		return nil, fmt.Errorf("the claim %s is not a list of texts", name)
	}
	if len(list) > maxGroups {
		return nil, fmt.Errorf("the claim %s holds %d groups, more than %d", name, len(list), maxGroups)
	}
	found := make([]string, 0, len(list))
	for _, v := range list {
		s, ok := v.(string)
		if !ok || s == "" || checkName(s) != nil {
			return nil, fmt.Errorf("the claim %s holds something that is not a group's name", name)
		}
		found = append(found, s)
	}
	return found, nil
}

func (m Match) check() error {
	if m.As == "" || checkName(m.As) != nil {
		return errors.New("`as` must name the workload")
	}
	if m.Type != Workload && m.Type != Agent {
		return fmt.Errorf("type %q is none of workload, agent", m.Type)
	}
	bound := 0
	for name, want := range m.Claims {
		if want == "" {
			return fmt.Errorf("the claim %s must equal something", name)
		}
		if name != "iss" && name != "aud" && name != "event_name" {
			bound++
		}
	}
	if bound == 0 {
		return errors.New("it binds no claim of the workload's own, so anybody at this issuer would match")
	}
	return nil
}

// holds says whether the claims equal the rule's. A run for a pull request is somebody
// else's code: it matches only a rule that names that event.
func (m Match) holds(claims map[string]any) bool {
	if event, _ := claims["event_name"].(string); strings.HasPrefix(event, "pull_request") && m.Claims["event_name"] == "" {
		return false
	}
	for name, want := range m.Claims {
		if !equal(claims[name], want) {
			return false
		}
	}
	return true
}

func equal(claim any, want string) bool {
	switch v := claim.(type) {
	case string:
		return v == want
	case json.Number:
		return v.String() == want
	case bool:
		return (v && want == "true") || (!v && want == "false")
	}
	return false
}
