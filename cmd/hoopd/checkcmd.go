package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/cmd/hoopd/config"
	"github.com/hoop-gateway/hoop/cmd/hoopd/pki"
	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// askTime bounds one question to an identity provider.
const askTime = 5 * time.Second

func checkCommand(s streams) *cobra.Command {
	return &cobra.Command{
		Use: "check FILE", Short: "Say what is wrong and what is unsafe in a configuration", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := config.Load(args[0])
			if err != nil {
				return usageError{err}
			}
			found, err := examine(c.Context(), cfg)
			if err != nil {
				return err
			}
			for _, w := range append(cfg.Warnings, found.warnings...) {
				if _, err := fmt.Fprintln(s.out, "warning:", w.String()); err != nil {
					return err
				}
			}
			for _, note := range found.notes {
				if _, err := fmt.Fprintln(s.out, note); err != nil {
					return err
				}
			}
			if len(found.problems) > 0 {
				return usageError{found.problems}
			}
			_, err = fmt.Fprintf(s.out, "%s: can be served, %d warnings\n", args[0], len(cfg.Warnings)+len(found.warnings))
			return err
		},
	}
}

// findings are what is wrong or unsafe beyond the file itself.
type findings struct {
	cfg      *config.Config
	problems config.Problems
	warnings []config.Problem
	notes    []string
}

func (f *findings) problem(err error, hint string) {
	f.problems = append(f.problems, config.Problem{File: f.cfg.File, Message: err.Error(), Hint: hint})
}

func (f *findings) warn(message, hint string) {
	f.warnings = append(f.warnings, config.Problem{File: f.cfg.File, Message: message, Hint: hint})
}

// examine looks at everything that the configuration names: files, secrets, providers, the policy.
func examine(ctx context.Context, cfg *config.Config) (*findings, error) {
	f := &findings{cfg: cfg}
	f.files()
	f.secrets(ctx)
	for _, id := range cfg.Broker.Identity {
		f.provider(ctx, id)
	}
	return f, f.policy(ctx)
}

func (f *findings) files() {
	if info, err := os.Stat(f.cfg.State); err == nil && info.Mode().Perm()&0o022 != 0 {
		f.problem(fmt.Errorf("the state folder %s can be written to by others", f.cfg.State), "chmod 700 "+f.cfg.State)
	}
	if t := f.cfg.Broker.TLS; t != nil {
		if _, err := pki.LoadFiles(t.Cert, t.Key, slog.New(slog.DiscardHandler)); err != nil {
			f.problem(err, "")
		}
	}
	if _, err := forGateway(f.cfg.Connections); err != nil {
		f.problem(err, "")
	}
}

// secrets tries where secrets come from. What is missing here may be there where the server runs, so it only warns.
func (f *findings) secrets(ctx context.Context) {
	for _, c := range f.cfg.Connections {
		var login credential.Login
		if _, err := c.Read(ctx, &login); err == nil && c.Authority.Set() {
			f.authority(c, login.Authority)
		} else if err != nil {
			f.warn(fmt.Sprintf("connection %s has no credential now: %v", c.Name, err), "sessions are refused until it has one")
		}
	}
	for _, id := range f.cfg.Broker.Identity {
		if id.ClientSecret == nil {
			continue
		}
		if _, err := id.ClientSecret.Read(ctx); err != nil {
			f.warn(fmt.Sprintf("identity provider %s has no client secret now: %v", id.Name, err), "hoopd does not start without it")
		}
	}
}

// authority says what a host must trust for its certificates to be taken.
func (f *findings) authority(c config.Connection, secret credential.Secret) {
	line, err := sshhost.AuthorityLine(secret)
	if err != nil {
		f.problem(fmt.Errorf("connection %s: %w", c.Name, err), "")
		return
	}
	f.notes = append(f.notes, fmt.Sprintf("connection %s: the file that TrustedUserCAKeys names in the host's sshd_config needs the line\n%s", c.Name, line))
}

// provider asks a provider what it can do, and says what it can't.
func (f *findings) provider(ctx context.Context, id config.Identity) {
	warn := func(message, hint string) {
		f.warnings = append(f.warnings, f.cfg.Problem(id, fmt.Sprintf("identity provider %s %s", id.Name, message), hint))
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	found, err := discover(ctx, id)
	if err != nil {
		warn(fmt.Sprintf("can't be asked now: %v", err), "nobody can sign in there until it answers")
		return
	}
	if found.Issuer != id.Issuer {
		f.problems = append(f.problems, f.cfg.Problem(id, fmt.Sprintf("the provider at %s calls itself %s", id.Issuer, found.Issuer), "write the issuer as the provider does"))
	}
	if id.Workload {
		return
	}
	if found.Device == "" {
		warn("has no device endpoint, which `hoop login` needs", "people can't sign in there with this version")
	}
	if id.GroupsClaim == "" {
		warn("gives no groups: groups_claim is not set", "rules that name groups match nobody who signs in there")
	}
	if !slices.Contains(id.Scopes, "offline_access") || len(found.Grants) > 0 && !slices.Contains(found.Grants, "refresh_token") {
		warn("gives no refresh tokens, so groups stand as they were at sign-in, until the ID token's end, and are not asked again",
			"add offline_access to scopes, if the provider has it")
	}
	if missing := slices.DeleteFunc(slices.Clone(id.Scopes), func(s string) bool { return slices.Contains(found.Scopes, s) }); len(found.Scopes) > 0 && len(missing) > 0 {
		warn("does not list the scopes "+strings.Join(missing, ", "), "")
	}
}

// discovery is what we look at in a provider's metadata.
type discovery struct {
	Issuer string   `json:"issuer"`
	Device string   `json:"device_authorization_endpoint"`
	Grants []string `json:"grant_types_supported"`
	Scopes []string `json:"scopes_supported"`
}

func discover(ctx context.Context, id config.Identity) (d discovery, err error) {
	roots, err := pki.Roots(id.CAFile)
	if err != nil {
		return d, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(id.Issuer, "/")+"/.well-known/openid-configuration", nil)
	if err != nil {
		return d, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req) // follows no redirect, as hoopd itself does not
	if err != nil {
		return d, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return d, fmt.Errorf("its metadata answer with status %d", res.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&d); err != nil {
		return d, fmt.Errorf("its metadata can't be read: %w", err)
	}
	return d, nil
}

// policy reads the policy, its warnings, and runs its tests.
func (f *findings) policy(ctx context.Context) error {
	p, err := readPolicyFile(f.cfg.Policy)
	var problems policy.Problems
	if errors.As(err, &problems) {
		f.problems = append(f.problems, problems...)
		return nil
	}
	if err != nil {
		f.problem(err, "")
		return nil
	}
	f.warnings = append(f.warnings, p.Lint()...)
	return judging(func(protocols map[string]gateway.Protocol) error {
		if failed := gateway.FailedTests(ctx, p, protocols, forPolicy(f.cfg.Connections)); len(failed) > 0 {
			f.problem(testsFailed(f.cfg.Policy, failed), "")
		}
		return nil
	})
}
