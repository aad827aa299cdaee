package localproxy

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
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

// JoinSSH writes one configuration for all of several endpoints of kind ssh, and answers one that stands for them. remove
// takes it away.
func JoinSSH(all []Endpoint) (joined Endpoint, remove func(), err error) {
	dir, err := os.MkdirTemp("", "hoop-ssh-") // mode 0700
	if err != nil {
		return Endpoint{}, nil, fmt.Errorf("make a folder for the configuration of ssh: %w", err)
	}
	remove = func() { _ = os.RemoveAll(dir) }
	var text strings.Builder
	for _, e := range all {
		fmt.Fprintf(&text, "Include \"%s\"\n", e.Config)
	}
	joined = Endpoint{Kind: kindSSH, Config: filepath.Join(dir, "config")}
	if err := os.WriteFile(joined.Config, []byte(text.String()), 0o600); err != nil {
		remove()
		return Endpoint{}, nil, errors.Join(errors.New("write the configuration of ssh"), err)
	}
	return joined, remove, nil
}
