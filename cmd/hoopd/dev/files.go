package dev

import (
	"bytes"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/hoop-gateway/hoop/cmd/hoopd/dev/sshd"
)

//go:embed hoopd.yaml.tmpl policy.yaml
var samples embed.FS

// Names of files in the state folder.
const (
	configFile   = "hoopd.yaml"
	policyFile   = "policy.yaml"
	envFile      = "env"
	passwordFile = "db-prod.password"
	adminFile    = "postgres.password"
	authority    = "web-1.ca"
)

// Issuer is the provider's.
func (s *State) Issuer() string { return issuerAt(s.Ports.Provider) }

func issuerAt(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }

// Config is the path of hoopd.yaml.
func (s *State) Config() string { return filepath.Join(s.Dir, configFile) }

// Policy is the path of policy.yaml.
func (s *State) Policy() string { return filepath.Join(s.Dir, policyFile) }

// WriteSamples writes hoopd.yaml and policy.yaml where they are missing: what is there is kept. Without a host it has none.
func (s *State) WriteSamples(t Target, h *sshd.Host) error {
	sample, err := samples.ReadFile(policyFile)
	if err != nil {
		return fmt.Errorf("read the sample policy: %w", err)
	}
	if err := writeMissing(s.Policy(), sample); err != nil {
		return err
	}
	form, err := template.New("hoopd.yaml.tmpl").Funcs(template.FuncMap{"quote": quoteYAML}).ParseFS(samples, "hoopd.yaml.tmpl")
	if err != nil {
		return fmt.Errorf("read the sample configuration: %w", err)
	}
	var text bytes.Buffer
	if err := form.Execute(&text, struct {
		Ports  Ports
		Issuer string
		Target Target
		Host   *sshd.Host
		CA     string
	}{s.Ports, s.Issuer(), t, h, authority}); err != nil {
		return fmt.Errorf("write the sample configuration: %w", err)
	}
	return writeMissing(s.Config(), text.Bytes())
}

// quoteYAML makes a value one that YAML reads as it is.
func quoteYAML(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func writeMissing(path string, data []byte) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("look for %s: %w", path, err)
	}
	return writePrivate(path, data)
}

// secret reads a random password of the folder, or makes one.
func (s *State) secret(name string) (string, error) {
	path := filepath.Join(s.Dir, name)
	text, err := readPrivate(path)
	if errors.Is(err, os.ErrNotExist) {
		made := rand.Text()
		return made, writePrivate(path, []byte(made+"\n"))
	}
	if err != nil {
		return "", fmt.Errorf("read a password: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// WriteEnv writes what scripts need to reach the broker: its presence says that sign-in and queries work.
func (s *State) WriteEnv(broker, caFile string) error {
	text := "export HOOP_BROKER=" + quoteShell(broker) + "\n"
	if caFile != "" {
		text += "export HOOP_CA_FILE=" + quoteShell(caFile) + "\n"
	}
	return writePrivate(s.Env(), []byte(text))
}

// Env is the file that WriteEnv writes.
func (s *State) Env() string { return filepath.Join(s.Dir, envFile) }

// RemoveEnv removes it.
func (s *State) RemoveEnv() error {
	if err := os.Remove(s.Env()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", s.Env(), err)
	}
	return nil
}

func quoteShell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
