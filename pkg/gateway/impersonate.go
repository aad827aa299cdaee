package gateway

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

// Impersonate says whom a cluster is told to take a person for. Its texts are templates: {user}, {subject} and {issuer} stand for the
// person's, and {groups} makes one text for each group. All else stands for itself.
type Impersonate struct {
	User   string
	Groups []string
	Extra  map[string][]string
}

// Impersonation is an Impersonate for one person: User is never empty.
type Impersonation struct {
	User   string
	Groups []string
	Extra  map[string][]string // names may have a slash: in a header's name it is written %2F
}

var (
	slots     = regexp.MustCompile(`\{[^{}]*\}`)
	extraName = regexp.MustCompile(`^[a-z0-9]([a-z0-9._/-]*[a-z0-9])?$`)
)

// Check answers why the templates can't be used.
func (i *Impersonate) Check() error {
	if i.User == "" {
		return errors.New("impersonate needs a user: without one the cluster would see the gateway's own account")
	}
	if err := checkTemplate(i.User, "{user}", "{subject}", "{issuer}"); err != nil {
		return err
	}
	for _, g := range i.Groups {
		if err := checkTemplate(g, "{groups}", "{user}", "{subject}", "{issuer}"); err != nil {
			return err
		}
	}
	for name, values := range i.Extra {
		if !extraName.MatchString(name) {
			return fmt.Errorf("%q is no name of an extra field: small letters, digits, dots, dashes and slashes", name)
		}
		for _, v := range values {
			if err := checkTemplate(v, "{groups}", "{user}", "{subject}", "{issuer}"); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkTemplate(text string, known ...string) error {
	for _, slot := range slots.FindAllString(text, -1) {
		if !slices.Contains(known, slot) {
			return fmt.Errorf("%s stands for nothing here, known are %s", slot, strings.Join(known, ", "))
		}
	}
	if rest := slots.ReplaceAllString(text, ""); strings.ContainsAny(rest, "{}") {
		return fmt.Errorf("%q has a brace that stands alone", text)
	}
	if strings.Count(text, "{groups}") > 1 {
		return fmt.Errorf("%q names {groups} twice", text)
	}
	return checkName(text)
}

// As is whom a person is impersonated as. A nil Impersonate is nobody's. An error means that it can't be said: the session is refused.
func (i *Impersonate) As(who policy.Subject) (*Impersonation, error) {
	if i == nil {
		return nil, nil
	}
	user, err := fill(i.User, who)
	if err != nil {
		return nil, err
	}
	if len(user) != 1 {
		return nil, errors.New("impersonate needs one user")
	}
	as := &Impersonation{User: user[0]}
	if as.Groups, err = fillAll(i.Groups, who); err != nil {
		return nil, err
	}
	for _, name := range append([]string{as.User}, as.Groups...) {
		if err := i.own(name); err != nil {
			return nil, err
		}
	}
	for name, templates := range i.Extra {
		values, err := fillAll(templates, who)
		if err != nil {
			return nil, err
		}
		if as.Extra == nil {
			as.Extra = map[string][]string{}
		}
		as.Extra[name] = values
	}
	return as, nil
}

// own refuses names that belong to Kubernetes itself where it was an identity provider that made them so: whoever can call a group
// system:masters there would own the cluster. One that the configuration writes out is meant.
func (i *Impersonate) own(name string) error {
	if !strings.HasPrefix(name, "system:") {
		return nil
	}
	for _, template := range append([]string{i.User}, i.Groups...) {
		before, _, _ := strings.Cut(template, "{")
		if before == name || before != template && strings.HasPrefix(before, "system:serviceaccount:") && strings.HasPrefix(name, before) {
			return nil
		}
	}
	return fmt.Errorf("%q is a name of Kubernetes' own", name)
}

func fillAll(templates []string, who policy.Subject) ([]string, error) {
	var all []string
	for _, t := range templates {
		texts, err := fill(t, who)
		if err != nil {
			return nil, err
		}
		all = append(all, texts...)
	}
	return all, nil
}

// fill makes the texts of one template: as many as there are groups where it names them, else one.
func fill(template string, who policy.Subject) ([]string, error) {
	each := []string{""}
	if strings.Contains(template, "{groups}") {
		each = who.Groups
	}
	var texts []string
	for _, group := range each {
		for slot, value := range map[string]string{"{user}": who.User, "{subject}": who.ID, "{issuer}": who.Issuer, "{groups}": group} {
			if strings.Contains(template, slot) && value == "" {
				return nil, fmt.Errorf("%s is empty", slot)
			}
		}
		text := strings.NewReplacer("{user}", who.User, "{subject}", who.ID, "{issuer}", who.Issuer, "{groups}", group).Replace(template)
		if err := checkName(text); err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// checkName refuses what a header would not carry as it is: then the target would take it for another name.
func checkName(text string) error {
	switch {
	case text == "":
		return errors.New("a name is empty")
	case len(text) > 1024:
		return errors.New("a name has more than 1024 bytes")
	case strings.TrimSpace(text) != text:
		return fmt.Errorf("%q begins or ends with a space", text)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }):
		return fmt.Errorf("%q has characters that can't be seen", text)
	}
	return nil
}
