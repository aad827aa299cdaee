package credential_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/credential"
)

func TestASecretPrintsInNoWay(t *testing.T) {
	const canary = "s3cr3t-canary"
	s := credential.NewSecret(canary)
	login := credential.Login{User: "u", Password: s}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "login", login)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "login", login)
	j, err := json.Marshal(login)
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{log.String(), string(j)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		printed = append(printed, fmt.Sprintf(verb, s), fmt.Sprintf(verb, login), fmt.Sprintf(verb, &login))
	}
	printed = append(printed, fmt.Sprint(s), fmt.Errorf("x: %v", login).Error())
	for _, p := range printed {
		if strings.Contains(p, canary) || strings.Contains(p, fmt.Sprintf("%x", canary)) {
			t.Errorf("the secret is printed: %s", p)
		}
	}
	if s.Reveal() != canary {
		t.Error("Reveal does not answer the value")
	}
}

func TestASecretComesFromItsOneSource(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "s")
	if err := os.WriteFile(file, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIAL_TEST", "from-env")
	for name, c := range map[string]struct {
		source credential.Source
		want   string
	}{
		"env":  {credential.Source{Env: "CREDENTIAL_TEST"}, "from-env"},
		"file": {credential.Source{File: file}, "from-file"},
		"exec": {credential.Source{Exec: []string{"printf", "from-exec\n"}}, "from-exec"},
	} {
		got, err := c.source.Read(t.Context())
		if err != nil || got.Reveal() != c.want {
			t.Errorf("%s: got %q, %v", name, got.Reveal(), err)
		}
	}
}

func TestABadSourceSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	open := filepath.Join(dir, "open")
	if err := os.WriteFile(open, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o604); err != nil {
		t.Fatal(err)
	}
	for want, source := range map[string]credential.Source{
		"exactly one":      {},
		"not 2":            {Env: "A", File: "b"},
		"not set":          {Env: "CREDENTIAL_TEST_ABSENT"},
		"by everyone":      {File: open},
		"no such file":     {File: filepath.Join(dir, "none")},
		"run false":        {Exec: []string{"false"}},
		"the secret is em": {Exec: []string{"true"}},
		"larger than":      {Exec: []string{"head", "-c", "70000", "/dev/zero"}},
	} {
		if _, err := source.Read(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", source, err, want)
		}
	}
}
