package record_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/record"
)

func TestASignerIsTheSameAtTheNextStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	first := must(record.LoadOrCreateSigner(dir))
	second := must(record.LoadOrCreateSigner(dir))
	if first.Key().ID != second.Key().ID || len(first.Key().ID) != 16 {
		t.Fatalf("%s, then %s", first.Key().ID, second.Key().ID)
	}
	if info := must(os.Stat(filepath.Join(dir, "signing.key"))); info.Mode().Perm() != 0o600 {
		t.Errorf("key mode %o", info.Mode().Perm())
	}
	keys := must(record.LoadKeys(filepath.Join(dir, "keys.json")))
	if public, ok := keys.Lookup(first.Key().ID); !ok || len(keys.Keys) != 1 || !bytes.Equal(public, first.Key().Public) {
		t.Fatalf("keys %+v", keys)
	}
}

func TestANewKeyStandsBesideTheOldOnes(t *testing.T) {
	dir := t.TempDir()
	old := must(record.LoadOrCreateSigner(dir))
	if err := os.Remove(filepath.Join(dir, "signing.key")); err != nil {
		t.Fatal(err)
	}
	now := must(record.LoadOrCreateSigner(dir))
	keys := must(record.LoadKeys(filepath.Join(dir, "keys.json")))
	for _, s := range []*record.Signer{old, now} {
		if _, ok := keys.Lookup(s.Key().ID); !ok {
			t.Errorf("%s is missing in %+v", s.Key().ID, keys)
		}
	}
	if report := verify(t, story(t, old), keys); report.State != record.Sealed {
		t.Errorf("an old recording: %+v", report)
	}
}

func TestProcessesThatStartAtOnceShareOneKey(t *testing.T) {
	dir := t.TempDir()
	ids := make([]string, 8)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() { ids[i] = must(record.LoadOrCreateSigner(dir)).Key().ID })
	}
	all.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("keys %v", ids)
		}
	}
}

func TestAKeyThatOthersCanReadIsRefused(t *testing.T) {
	dir := t.TempDir()
	must(record.LoadOrCreateSigner(dir))
	name := filepath.Join(dir, "signing.key")
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := record.LoadOrCreateSigner(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Fatalf("error %v", err)
	}
	for what, text := range map[string]string{
		"no PEM":       "hello",
		"another key":  "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"another type": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
		"too long":     strings.Repeat("x", 5000),
	} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := record.LoadOrCreateSigner(dir); err == nil || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestASignerPrintsREDACTED(t *testing.T) {
	dir := t.TempDir()
	s := must(record.LoadOrCreateSigner(dir))
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("signer", "signer", s, "in", struct{ S *record.Signer }{s})
	texts := map[string]string{
		"slog":   logged.String(),
		"json":   string(must(json.Marshal(s))),
		"Sprint": fmt.Sprint(s),
		"error":  fmt.Errorf("with %v", s).Error(),
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts[verb] = fmt.Sprintf(verb, s)
		texts[verb+" in options"] = fmt.Sprintf(verb, record.Options{Signer: s})
	}
	for how, text := range texts {
		if strings.Contains(how, "in options") {
			if strings.Contains(text, "key") && !strings.Contains(text, "REDACTED") {
				t.Errorf("%s: %s", how, text)
			}
			continue
		}
		if !strings.Contains(text, "REDACTED") {
			t.Errorf("%s: %s", how, text)
		}
	}
}

func TestKeysThatAreNotWhatTheySayAreRefused(t *testing.T) {
	good := signer(t).Keys()
	text := string(must(json.Marshal(good)))
	if keys := must(record.ParseKeys([]byte(text))); len(keys.Keys) != 1 || !keys.Keys[0].Created.Equal(good.Keys[0].Created) {
		t.Fatalf("%+v", keys)
	}
	other := signer(t).Key().ID
	for what, bad := range map[string]string{
		"another id":  strings.Replace(text, good.Keys[0].ID, other, 1),
		"a short key": `{"keys":[{"id":"` + other + `","public":"AAAA","created_at":"2026-01-01T00:00:00Z"}]}`,
		"unknown":     `{"kez":[]}`,
		"more after":  text + "{}",
		"no JSON":     "x",
		"nothing":     "",
	} {
		if _, err := record.ParseKeys([]byte(bad)); err == nil {
			t.Errorf("%s was taken", what)
		}
	}
	if _, err := record.LoadKeys(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing file was read")
	}
}

func TestPathsStayBelowTheirRoot(t *testing.T) {
	at := time.Date(2026, 3, 4, 23, 30, 0, 0, time.FixedZone("", -3600))
	if got := must(record.Path("ses_1", at)); got != "2026/03/05/ses_1.hrec" {
		t.Fatal(got)
	}
	for _, id := range []string{"", "a/b", "..", ".a", "a\x00", "a b", strings.Repeat("a", 129), "ü"} {
		if got, err := record.Path(id, at); err == nil {
			t.Errorf("%q is %s", id, got)
		}
	}
}
