package localproxy

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/pump"
)

// SSHBlock is what OpenSSH's configuration says of hosts behind hoop: they are reached by a port of loopback, or by a
// program whose stdin and stdout are the connection.
type SSHBlock struct {
	Names      []string
	Port       int
	Proxy      string // instead of Port
	Alias      string // under which the host key is known
	Key        string // files
	KnownHosts string
}

// Check refuses what would mean something else in a configuration.
func (b SSHBlock) Check() error {
	for _, name := range b.Names {
		if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`).MatchString(name) {
			return &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("%q can't be the name of a host in a configuration of ssh.", name)}
		}
	}
	for _, path := range []string{b.Key, b.KnownHosts} {
		if strings.ContainsAny(path, "\"\r\n%$") {
			return &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("The path %q can't stand in a configuration of ssh.", path), Hint: "Set XDG_STATE_HOME or TMPDIR to another folder."}
		}
	}
	return nil
}

// String is the block. It has ssh use this key and no other, and know this host key and no other. AES-GCM is what both
// sides are quickest at.
func (b SSHBlock) String() string {
	way := "  ProxyCommand " + b.Proxy
	if b.Proxy == "" {
		way = fmt.Sprintf("  HostName %s\n  Port %d", loopback, b.Port)
	}
	return fmt.Sprintf(`Host %s
%s
  User hoop
  HostKeyAlias %s
  IdentityFile "%s"
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile "%s"
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
  UpdateHostKeys no
  PreferredAuthentications publickey
  Ciphers aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com
`, strings.Join(b.Names, " "), way, b.Alias, b.Key, b.KnownHosts)
}

// joinSSH writes one configuration for all of several hosts.
func joinSSH(all []Endpoint) ([]Var, func(), error) {
	var text strings.Builder
	for _, e := range all {
		fmt.Fprintf(&text, "Include \"%s\"\n", e.Config)
	}
	file, remove, err := writePrivate("hoop-ssh-", []byte(text.String()))
	if err != nil {
		return nil, nil, err
	}
	return sshVars(Endpoint{Config: file}), remove, nil
}

func sshVars(e Endpoint) []Var {
	return []Var{{"HOOP_SSH_CONFIG", e.Config}, {"GIT_SSH_COMMAND", "ssh -F " + quoteShell(e.Config)}}
}

func ofSSH() kind {
	return kind{
		front: func(p *Proxy) front { return &sshFront{Proxy: p} },
		looks: pump.Busy,
		url: func(e Endpoint) string {
			u := url.URL{Scheme: "ssh", User: url.User(e.User), Host: e.address()}
			return u.String()
		},
		line: func(e Endpoint) string { return "ssh -F " + quoteShell(e.Config) + " " + e.Name },
		vars: sshVars,
		join: joinSSH,
		inherited: func(name string) bool {
			return slices.Contains([]string{"GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "HOOP_SSH_CONFIG"}, name)
		},
	}
}
