// Package credential says where a target's credential comes from: a variable, a file, a program's output or the
// configuration itself. A secret leaves it only through Reveal.
package credential

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Secret is a value that never prints: every way that Go can print it says REDACTED.
type Secret struct{ value string }

// NewSecret keeps a value secret.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal answers the value itself, for the one place that sends it.
func (s Secret) Reveal() string { return s.value }

const redacted = "REDACTED"

// String hides the value.
func (s Secret) String() string { return redacted }

// GoString hides the value from %#v.
func (s Secret) GoString() string { return redacted }

// Format hides the value from every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText hides the value from JSON, YAML and slog.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Login is a user name with what proves it: of the kinds postgres and ssh one of Password, Key and Authority is set. A client's
// certificate is none of its parts: it belongs to the TLS that reaches the target.
type Login struct {
	User      string
	Password  Secret
	Key       Secret // a private key, PEM
	Authority Secret // the private key of an authority, PEM, that signs a certificate for every connection
	// Principals are what such a certificate names.
	Principals []string
	Token      Secret        // of kind kubernetes: a bearer token
	Request    *TokenRequest // of kind kubernetes: Token only asks for the token that is used; nil: it is the one
	Slot       Slot          // of kind http: where the secret belongs
	Value      Secret        // of kind http: what stands in the Slot, but for InBasic
}

// Source says where a secret comes from. Exactly one field is set.
type Source struct {
	Env  string   `yaml:"env"`
	File string   `yaml:"file"`
	Exec []string `yaml:"exec"` // program and arguments; no shell
}

// Limits of a secret and of the program that prints one.
const (
	maxSecret = 64 << 10 // bytes
	execTime  = 10 * time.Second
)

// Set says that a source is named.
func (s Source) Set() bool { return s.Env != "" || s.File != "" || len(s.Exec) > 0 }

// Check answers why the source can't be used, without reading it.
func (s Source) Check() error {
	set := 0
	for _, given := range []bool{s.Env != "", s.File != "", len(s.Exec) > 0} {
		if given {
			set++
		}
	}
	if set != 1 {
		return fmt.Errorf("a secret needs exactly one of env, file and exec, not %d", set)
	}
	return nil
}

// Read fetches the secret. It is asked for at every new connection to a target, so a rotated secret is taken up at once.
// A trailing line end is not part of it. Errors never hold it.
func (s Source) Read(ctx context.Context) (Secret, error) {
	if err := s.Check(); err != nil {
		return Secret{}, err
	}
	var raw []byte
	var err error
	switch {
	case s.Env != "":
		v, ok := os.LookupEnv(s.Env)
		if !ok {
			return Secret{}, fmt.Errorf("the variable %s is not set", s.Env)
		}
		raw = []byte(v)
	case s.File != "":
		raw, err = readFile(s.File)
	default:
		raw, err = run(ctx, s.Exec)
	}
	if err != nil {
		return Secret{}, err
	}
	text := strings.TrimRight(string(raw), "\r\n")
	if text == "" {
		return Secret{}, fmt.Errorf("the secret is empty")
	}
	return Secret{text}, nil
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read a secret: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read a secret: %w", err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return nil, fmt.Errorf("the secret file %s can be read or written by everyone: chmod o= %s", name, name)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return nil, fmt.Errorf("read a secret from %s: %w", name, err)
	}
	if len(raw) > maxSecret {
		return nil, fmt.Errorf("the secret file %s is larger than %d bytes", name, maxSecret)
	}
	return raw, nil
}

func run(ctx context.Context, argv []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, execTime)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout = &capped{&out}
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("run %s for a secret: %w", argv[0], err)
	}
	if out.Len() > maxSecret {
		return nil, fmt.Errorf("run %s for a secret: its output is larger than %d bytes", argv[0], maxSecret)
	}
	return out.Bytes(), nil
}

// capped keeps one byte more than a secret may have, and forgets the rest.
type capped struct{ to *bytes.Buffer }

func (c *capped) Write(p []byte) (int, error) {
	c.to.Write(p[:min(len(p), maxSecret+1-c.to.Len())])
	return len(p), nil
}
