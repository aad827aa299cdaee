package web

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway"
)

// takes is a service that logs the bodies that it gets, and what they are said to be.
func takes(t testing.TB, log *journal) gateway.Target {
	return site(t, func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		log.Add("%s %s coding=%q length=%d %v %q", r.Method, r.URL, r.Header.Values("Content-Encoding"), r.ContentLength, err, got[:min(len(got), 100)])
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, "{}")
	})
}

func TestAPackedBodyIsJudgedAndSentAsWhatIsInIt(t *testing.T) {
	log := &journal{}
	s := open(t, takes(t, log), maskedStreams)
	for _, coding := range []string{"gzip", "X-GZIP"} {
		text := `{"name":"carol","ssn":"` + canarySSN + `"}`
		if a := s.Ask("POST /items", "Content-Type: application/json\nContent-Encoding: "+coding, packed(t, "gzip", text)); a.StatusCode != 200 {
			t.Fatalf("%s: %s %s", coding, a.Status, a.Text)
		}
		if want := fmt.Sprintf(`POST /items coding=[] length=%d <nil> %q`, len(text), text); !strings.Contains(log.String(), want) {
			t.Errorf("%s: the service got\n%s, not %s", coding, log, want)
		}
	}
	two := packed(t, "gzip", "0032want ") + packed(t, "gzip", "and more") // some read the first alone
	if a := s.Ask("POST /repo/git-upload-pack", "Content-Type: application/x-git-upload-pack-request\nContent-Encoding: gzip", two); a.StatusCode != 200 ||
		log.Count(`length=17 <nil> "0032want and more"`) != 1 {
		t.Errorf("%s\n%s", a.Status, log)
	}
	if text := s.Recording(); !strings.Contains(text, "carol") || strings.Contains(text, canarySSN) {
		t.Errorf("the recording has what was packed in another way:\n%s", text)
	}
}

func TestAPackedBodyThatCanNotBeJudgedReachesNobody(t *testing.T) {
	long := strings.Repeat("x", bodyCap+1)
	for name, c := range map[string]struct {
		method, coding, body string
		status               int
	}{
		"a bomb":                {"POST", "gzip", packed(t, "gzip", strings.Repeat("x", 100<<20)), 413},
		"a byte too many":       {"POST", "gzip", packed(t, "gzip", long), 413},
		"too long as it comes":  {"POST", "gzip", long, 413},
		"no gzip":               {"POST", "gzip", `{"a":1}`, 400},
		"cut short":             {"POST", "gzip", packed(t, "gzip", `{"a":1}`)[:20], 400},
		"more behind it":        {"POST", "gzip", packed(t, "gzip", `{"a":1}`) + `{"b":1}`, 400},
		"another coding":        {"POST", "br", "x", 415},
		"two codings":           {"POST", "gzip, gzip", packed(t, "gzip", packed(t, "gzip", "x")), 415},
		"two fields":            {"POST", "gzip\nContent-Encoding: gzip", packed(t, "gzip", "x"), 415},
		"what may be stored":    {"PUT", "gzip", packed(t, "gzip", "x"), 415},
		"a method in the form":  {"POST", "gzip\nContent-Type: application/x-www-form-urlencoded", packed(t, "gzip", "_method=DELETE"), 400},
		"a batch":               {"POST", "gzip", packed(t, "gzip", `[{"jsonrpc":"2.0","method":"ping"}]`), 400},
		"a call that is denied": {"POST", "gzip", packed(t, "gzip", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"drop"}}`), 403},
	} {
		t.Run(name, func(t *testing.T) {
			log := &journal{}
			s := open(t, takes(t, log), "version: 1\nrules: [{name: all, effects: [read, write, delete, transfer], verdict: allow}]\n")
			if a := s.Ask(c.method+" /x", "Content-Encoding: "+c.coding, c.body); a.StatusCode != c.status || !strings.Contains(a.Text, `"hint"`) {
				t.Errorf("%s %s", a.Status, a.Text)
			}
			if log.String() != "" {
				t.Errorf("the service got:\n%s", log)
			}
		})
	}
}

// A sum or a signature of the packed body would stand beside another one: the service would refuse that, or take it for what was signed.
func TestAPackedBodyThatAFieldVouchesForIsRefused(t *testing.T) {
	log := &journal{}
	service := takes(t, log)
	for _, field := range []string{
		"Content-MD5: x", "Content-Digest: sha-256=:x:", "Repr-Digest: sha-256=:x:", "Digest: x", "X-Amz-Content-Sha256: x", "X-Amz-Checksum-Crc32c: x",
		"X-Goog-Hash: crc32c=x", "X-Ms-Content-Crc64: x", "Signature: s=:x:", "Signature-Input: s=()", "X-Hub-Signature-256: x", "X-Shop-Hmac: x",
	} {
		if a := open(t, service, allowAll).Ask("POST /x", "Content-Encoding: gzip\n"+field, packed(t, "gzip", "x")); a.StatusCode != 415 || !strings.Contains(a.Text, `"hint"`) {
			t.Errorf("%s: %s %s", field, a.Status, a.Text)
		}
		if log.String() != "" {
			t.Fatalf("%s: the service got:\n%s", field, log)
		}
	}
	if a := open(t, service, allowAll).Ask("POST /x", "Content-MD5: x\nSignature: s=:x:", "x"); a.StatusCode != 200 {
		t.Errorf("unpacked: %s", a.Status)
	}
}
