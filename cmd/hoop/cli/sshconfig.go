package cli

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/localproxy"
	"github.com/hoop-gateway/hoop/pkg/api"
)

func (p *program) sshConfigCommand() *cobra.Command {
	return &cobra.Command{
		Use: "ssh-config [NAME...]", Short: "Print what ~/.ssh/config needs to reach hosts by their names",
		Long: `Print the part of OpenSSH's configuration by which ssh, scp, sftp, rsync, git and ansible reach
hosts through hoop by their names, without "hoop connect" before them. Without a NAME it is for
all hosts within reach. In a shell:

    hoop ssh-config > ~/.ssh/hoop.conf      and once, at the top of ~/.ssh/config:  Include hoop.conf

The key that it names is made at the first call, in hoop's state folder. It opens nothing by
itself: each ssh asks the broker for a grant, by "hoop ssh-proxy", with your sign-in.`,
		Args: takes(cobra.ArbitraryArgs), ValidArgsFunction: p.completeMore,
		RunE: func(cmd *cobra.Command, args []string) error { return p.sshConfig(cmd.Context(), args) },
	}
}

func (p *program) sshConfig(ctx context.Context, names []string) error {
	s, err := p.connectBroker()
	if err != nil {
		return err
	}
	defer s.Close()
	if len(names) == 0 {
		if names, err = hostsInReach(ctx, s); err != nil {
			return err
		}
	}
	dir, err := p.stateDir()
	if err != nil {
		return err
	}
	files := sshFilesOf(s.origin)
	proxy, err := p.proxyCommand(s.settings)
	if err != nil {
		return err
	}
	block := localproxy.SSHBlock{
		Names: names, Proxy: proxy, Alias: files.alias, Key: filepath.Join(dir.Path(), files.client), KnownHosts: filepath.Join(dir.Path(), files.known),
	}
	if err := block.Check(); err != nil {
		return err
	}
	if err := lastingSSHKeys(ctx, dir, files); err != nil {
		return err
	}
	answer := object{{"hosts", names}, {"proxy_command", block.Proxy}, {"host_key_alias", block.Alias}, {"identity_file", block.Key}, {"known_hosts_file", block.KnownHosts}}
	return p.print(answer, func(w io.Writer) { _, _ = io.WriteString(w, block.String()) })
}

func hostsInReach(ctx context.Context, s *session) (names []string, err error) {
	all, err := s.Connections(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if c.Kind == "ssh" {
			names = append(names, c.Name)
		}
	}
	if len(names) == 0 {
		return nil, &api.Error{Code: api.CodeNoSuchConnection, Message: "There is no host within your reach.", Hint: "`hoop ls` shows what there is."}
	}
	return names, nil
}

// proxyCommand is the line that ssh has a shell run. Where the broker is not the one of the configuration or of the last
// sign-in, the line names it: another shell may not have this one's variables.
func (p *program) proxyCommand(set *settings) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", &api.Error{Code: api.CodeInternal, Message: "The path of this program is not known."}
	}
	words := []string{self}
	if found, err := exec.LookPath("hoop"); err == nil && sameFile(found, self) {
		words[0] = "hoop"
	}
	words = append(words, "ssh-proxy")
	for _, given := range []struct{ flag, name, value string }{{p.flags.broker, "broker", set.Broker}, {p.flags.caFile, "ca-file", set.CAFile}, {p.flags.tokenFile, "token-file", set.TokenFile}} {
		if given.flag == "" && p.getenv("HOOP_"+strings.ToUpper(strings.ReplaceAll(given.name, "-", "_"))) == "" {
			continue
		}
		if given.name != "broker" {
			if given.value, err = filepath.Abs(given.value); err != nil {
				return "", &api.Error{Code: api.CodeUsage, Message: "The working directory is not known."}
			}
		}
		words = append(words, "--"+given.name, given.value)
	}
	for i, w := range words {
		if strings.ContainsAny(w, "\r\n") {
			return "", &api.Error{Code: api.CodeUsage, Message: "A path with a line break can't stand in a configuration of ssh."}
		}
		words[i] = strings.ReplaceAll(quoteWord(w), "%", "%%")
	}
	return strings.Join(append(words, "%h"), " "), nil
}

// quoteWord quotes for the shell what is not plain.
func quoteWord(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@=+,") == "" && s != "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
