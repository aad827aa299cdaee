package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/login"
)

type loginOptions struct{ provider string }

func (p *program) loginCommand() *cobra.Command {
	var o loginOptions
	cmd := &cobra.Command{
		Use: "login", Short: "Sign in", Args: takes(cobra.NoArgs),
		Long: `Sign in at the broker's identity provider: open the page that is shown, on any device,
and type the code. The sign-in lasts up to eight hours and is kept encrypted.

With a workload's token (--token-file, HOOP_ID_TOKEN, HOOP_ID_TOKEN_FILE or GitHub's) no
sign-in is needed: every command uses the token, and nothing is stored.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.login(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&o.provider, "provider", "", "name of the identity provider, where the broker has several")
	return cmd
}

func (p *program) login(ctx context.Context, o loginOptions) error {
	s, err := p.connectBroker()
	if err != nil {
		return err
	}
	defer s.Close()
	if s.workload {
		saved, err := s.source.Current(ctx)
		if err != nil {
			return err
		}
		p.say("the token of the environment signs every command in; nothing is stored")
		return p.printSignedIn(s, saved.Session)
	}
	session, err := p.signIn(ctx, s, o.provider)
	if err != nil {
		return err
	}
	return p.printSignedIn(s, session)
}

// signIn has a person sign in, and remembers the broker.
func (p *program) signIn(ctx context.Context, s *session, provider string) (api.Session, error) {
	found, err := s.Discover(ctx)
	if err != nil {
		return api.Session{}, err
	}
	if olderThan(p.version, found.OldestClient) {
		return api.Session{}, &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("The broker serves hoop %s and newer; this is %s.", found.OldestClient, p.version),
			Hint: "Update hoop."}
	}
	chosen, err := chooseProvider(found.Providers, provider)
	if err != nil {
		return api.Session{}, err
	}
	session, err := s.source.SignIn(ctx, chosen, p.showPrompt)
	if err != nil {
		return api.Session{}, err
	}
	if s.settings.TokenStore != login.KeepNone {
		err = p.remember(s.settings)
	}
	return session, err
}

func (p *program) showPrompt(prompt login.Prompt) {
	if p.format == formatNDJSON {
		_ = writeLine(p.out, newEvent("sign_in_required", "", "", member{"url", prompt.URL}, member{"complete_url", orNull(prompt.Complete)},
			member{"code", prompt.Code}, member{"expires_at", stamp(prompt.Expires)}))
	}
	p.say("To sign in, open  %s", prompt.URL)
	p.say("and type the code %s", prompt.Code)
	if prompt.Complete != "" {
		p.say("or open           %s", prompt.Complete)
	}
	p.say("waiting for you until %s", prompt.Expires.Local().Format("15:04:05"))
}

func chooseProvider(all []api.Provider, name string) (api.Provider, error) {
	var names []string
	var one api.Provider
	for _, provider := range all {
		if provider.Device == "" || name != "" && provider.Name != name {
			continue
		}
		names, one = append(names, provider.Name), provider
	}
	switch {
	case len(names) == 1:
		return one, nil
	case len(names) > 1:
		return api.Provider{}, &api.Error{Code: api.CodeUsage, Message: "The broker has several identity providers.", Hint: "Choose one with --provider: " + strings.Join(names, ", ") + "."}
	case name != "":
		return api.Provider{}, &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("The broker has no identity provider %q for people.", name)}
	}
	return api.Provider{}, &api.Error{Code: api.CodeUsage, Message: "The broker has no identity provider for people.", Hint: "Use a workload's token: --token-file or HOOP_ID_TOKEN."}
}

func (p *program) printSignedIn(s *session, session api.Session) error {
	until := session.RefreshExpiresAt
	if until.IsZero() {
		until = session.ExpiresAt
	}
	answer := append(newEvent("signed_in", "", "", member{"broker", s.origin}), identityMembers(session.Identity)...)
	return p.print(append(answer, member{"expires_at", stamp(until)}), func(w io.Writer) {
		identityLines(w, session.Identity, s.origin, until)
	})
}

func identityMembers(who api.Identity) []member {
	groups := who.Groups
	if groups == nil {
		groups = []string{}
	}
	return []member{{"user", who.User}, {"groups", groups}, {"type", who.Type}, {"issuer", who.Issuer}, {"subject", who.Subject}}
}

func identityLines(w io.Writer, who api.Identity, broker string, until time.Time) {
	fieldsOf(w, "user", who.User, "groups", strings.Join(who.Groups, ", "), "type", who.Type, "provider", who.Issuer, "broker", broker, "until", local(until))
}

// olderThan compares versions of the form 1.2.3. What has another form is never older: it is a build of someone's own.
func olderThan(version, oldest string) bool {
	var v, o [3]int
	if n, _ := fmt.Sscanf(strings.TrimPrefix(version, "v"), "%d.%d.%d", &v[0], &v[1], &v[2]); n != 3 {
		return false
	}
	if n, _ := fmt.Sscanf(strings.TrimPrefix(oldest, "v"), "%d.%d.%d", &o[0], &o[1], &o[2]); n != 3 {
		return false
	}
	for i := range v {
		if v[i] != o[i] {
			return v[i] < o[i]
		}
	}
	return false
}
