package grant_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/grant"
)

func TestAnAuthorityIsTheSameAfterARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "ca")
	first, err := grant.LoadOrCreateAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := grant.LoadOrCreateAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !first.Certificate().Equal(second.Certificate()) {
		t.Error("another certificate")
	}
	info, err := os.Stat(filepath.Join(dir, "grant-ca.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v (%v)", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".new-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A creation that was cut short after the key is finished with that key.
func TestACreationThatWasCutShortIsFinished(t *testing.T) {
	dir := t.TempDir()
	first, err := grant.LoadOrCreateAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "grant-ca.crt")); err != nil {
		t.Fatal(err)
	}
	second, err := grant.LoadOrCreateAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	if string(first.Certificate().RawSubjectPublicKeyInfo) != string(second.Certificate().RawSubjectPublicKeyInfo) {
		t.Error("another key")
	}
}

// C15: each thing that can be wrong with the key is refused by name, and nothing is replaced.
func TestADamagedAuthorityIsRefusedWithItsReason(t *testing.T) {
	other := t.TempDir()
	if _, err := grant.LoadOrCreateAuthority(other); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		damage func(t *testing.T, key, cert string)
		reason string
	}{
		"key readable by the group": {func(t *testing.T, key, _ string) { check(t, os.Chmod(key, 0o640)) }, "mode 0640"},
		"key readable by all":       {func(t *testing.T, key, _ string) { check(t, os.Chmod(key, 0o604)) }, "mode 0604"},
		"certificate writable":      {func(t *testing.T, _, cert string) { check(t, os.Chmod(cert, 0o666)) }, "written by others"},
		"key missing":               {func(t *testing.T, key, _ string) { check(t, os.Remove(key)) }, "is missing"},
		"key empty":                 {func(t *testing.T, key, _ string) { check(t, os.WriteFile(key, nil, 0o600)) }, "truncated"},
		"key cut":                   {func(t *testing.T, key, _ string) { check(t, os.Truncate(key, 60)) }, "truncated"},
		"key of another kind": {func(t *testing.T, key, _ string) {
			write(t, key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
		}, "damaged"},
		"key and more":        {func(t *testing.T, key, _ string) { write(t, key, read(t, key)+read(t, key)) }, "truncated or not"},
		"key far too large":   {func(t *testing.T, key, _ string) { write(t, key, strings.Repeat("x", 70<<10)) }, "too large"},
		"key swapped":         {func(t *testing.T, key, _ string) { write(t, key, read(t, filepath.Join(other, "grant-ca.key"))) }, "swapped"},
		"certificate swapped": {func(t *testing.T, _, cert string) { write(t, cert, read(t, filepath.Join(other, "grant-ca.crt"))) }, "swapped"},
		"certificate cut":     {func(t *testing.T, _, cert string) { check(t, os.Truncate(cert, 40)) }, "truncated"},
		"key a link": {func(t *testing.T, key, _ string) {
			check(t, os.Remove(key))
			check(t, os.Symlink(filepath.Join(other, "grant-ca.key"), key))
		}, "symbolic link"},
		"key a folder": {func(t *testing.T, key, _ string) {
			check(t, os.Remove(key))
			check(t, os.Mkdir(key, 0o700))
		}, "not a regular file"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := grant.LoadOrCreateAuthority(dir); err != nil {
				t.Fatal(err)
			}
			c.damage(t, filepath.Join(dir, "grant-ca.key"), filepath.Join(dir, "grant-ca.crt"))
			_, err := grant.LoadOrCreateAuthority(dir)
			if err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("got %v, want a refusal that says %q", err, c.reason)
			}
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	check(t, os.WriteFile(path, []byte(text), 0o600))
}
