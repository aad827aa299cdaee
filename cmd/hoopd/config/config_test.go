package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/cmd/hoopd/config"
	"github.com/hoop-gateway/hoop/pkg/credential"
)

func parse(t *testing.T, text string) (*config.Config, error) {
	t.Helper()
	return config.Parse([]byte(text), "/etc/hoop/hoopd.yaml")
}

func good(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAGoodFileIsReadWhole(t *testing.T) {
	c, err := parse(t, good(t))
	if err != nil {
		t.Fatal(err)
	}
	if c.State != "/etc/hoop/state" || c.Policy != "/etc/hoop/policy.yaml" || c.Broker.TLS.Key != "/etc/hoop/tls.key" || c.Broker.TLS.Cert != "/etc/hoop/tls.crt" {
		t.Errorf("file names: %+v", c)
	}
	if c.Broker.Store != "/var/lib/hoop/hoop.db" || c.Gateway.Recordings != "/var/lib/hoop/recordings" || c.Gateway.ResultCap != 64<<10 {
		t.Errorf("stores: %+v %+v", c.Broker, c.Gateway)
	}
	corp, github := c.Broker.Identity[0], c.Broker.Identity[1]
	if corp.Workload || corp.ClientSecret.File != "/etc/hoop/secret" || corp.UsernameClaim != "email" || len(corp.Scopes) != 3 {
		t.Errorf("people: %+v", corp)
	}
	if m := github.Match[0]; !github.Workload || m.As != "ci-deploy" || m.Claims["repository_id"] != "1234" || m.Owner.Subject != "u1" {
		t.Errorf("workloads: %+v", github)
	}
	prod, local := c.Connections[0], c.Connections[1]
	if prod.TLS.Mode != config.VerifyFull || prod.TLS.CAFile != "/etc/hoop/ca.pem" || prod.Labels["env"] != "prod" || prod.Password.Env != "DB_PROD_PASSWORD" {
		t.Errorf("connection: %+v", prod)
	}
	if local.TLS.Mode != config.Disable || len(local.Password.Exec) != 3 || len(c.Warnings) != 0 {
		t.Errorf("connection: %+v, warnings %v", local, c.Warnings)
	}
}

func TestWhatIsNotWrittenIsSafe(t *testing.T) {
	text := strings.Replace(good(t), `, tls: {mode: verify-full, ca_file: ca.pem}`, "", 1)
	text = strings.Replace(text, `  recordings: {store: "file:/var/lib/hoop/recordings", results: 64KiB}`+"\n", "", 1)
	c, err := parse(t, text)
	if err != nil {
		t.Fatal(err)
	}
	if c.Connections[0].TLS.Mode != config.VerifyFull || c.Gateway.ResultCap != 1<<20 || c.Gateway.Recordings != "/etc/hoop/state/recordings" {
		t.Errorf("%+v %+v", c.Connections[0], c.Gateway)
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

func TestEveryProblemIsToldAtOnceWithItsPlace(t *testing.T) {
	text, err := os.ReadFile("testdata/many.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = config.Parse(text, "hoopd.yaml")
	var problems config.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("error: %v", err)
	}
	golden := filepath.Join("testdata", "many.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, readErr := os.ReadFile(golden)
	if readErr != nil {
		t.Fatal(readErr)
	}
	if got := err.Error() + "\n"; got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("a secret that was written into the file stands in the error")
	}
}

func TestATargetIsReachedSafelyOrTheFileSaysOtherwise(t *testing.T) {
	for change, want := range map[string]string{ // "" is fine; "warns" is a warning
		`tls: {mode: verify-full, ca_file: ca.pem}`: "",
		`tls: {mode: verify-ca}`:                    "warns",
		`tls: {mode: require}`:                      "warns",
		`tls: {mode: require, ca_file: ca.pem}`:     "ca_file has no effect",
		`tls: {mode: disable}`:                      "in clear",
		`tls: {mode: disable}, insecure: true`:      "warns",
		`tls: {mode: prefer}`:                       "unknown mode",
		`tls: {mode: off}`:                          "unknown mode",
		`tls: {}`:                                   "",
		`insecure: maybe`:                           "true or false",
	} {
		c, err := parse(t, strings.Replace(good(t), `tls: {mode: verify-full, ca_file: ca.pem}`, change, 1))
		switch {
		case want == "" || want == "warns":
			if err != nil || (want == "warns") != (len(c.Warnings) > 0) {
				t.Errorf("%s: %v, %+v", change, err, c)
			}
		case err == nil || !strings.Contains(err.Error(), want):
			t.Errorf("%s: %v", change, err)
		}
	}
}

func TestLoopbackIsToldFromTheRest(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:1": true, "[::1]:1": true, "localhost:1": true, "/run/postgresql:5432": true, "127.9.9.9:1": true,
		"0.0.0.0:1": false, "[::]:1": false, ":1": false, "10.0.0.1:1": false, "localhost.example.com:1": false, "": false,
		"127.0.0.1.example.com:1": false, "[::ffff:127.0.0.1]:1": true,
	} {
		if config.IsLoopback(address) != want {
			t.Errorf("%q: %v", address, !want)
		}
	}
}

func TestWhatIsNoConfigurationIsAnErrorNotACrash(t *testing.T) {
	for _, text := range []string{
		"", "---\n---\n", "null", "[]", "a: &x 1\nb: *x", "state: !!binary x", "{", "state: {", strings.Repeat("[", 100000),
		strings.Repeat("a: ", 10000), strings.Repeat("- ", 10000), "\xff\xfe", "a\x00b", strings.Repeat(" ", 300<<10),
		"broker: {identity: [{name: x, oidc: {}}]}", "connections: [1, [], {}]",
	} {
		if _, err := parse(t, text); err == nil {
			t.Errorf("%.40q was taken", text)
		}
	}
}

// lineBreaks counts what the YAML reader ends a line at (YAML 1.1, section 5.4).
func lineBreaks(text string) int {
	n := 0
	for _, c := range text {
		if strings.ContainsRune("\n\r\u0085\u2028\u2029", c) {
			n++
		}
	}
	return n
}

// A configuration is either refused with at least one problem that has a place and words, or complete and safe.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"testdata/good.yaml", "testdata/many.yaml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := config.Parse(text, "/etc/hoop/hoopd.yaml")
		if err != nil {
			var problems config.Problems
			if !errors.As(err, &problems) || len(problems) == 0 || c != nil {
				t.Fatalf("not refused with problems: %v", err)
			}
			for _, p := range problems {
				if p.Message == "" || p.Line < 0 || p.Line > lineBreaks(string(text))+2 {
					t.Fatalf("a problem without words or place: %+v", p)
				}
			}
			return
		}
		if !filepath.IsAbs(c.State) || !filepath.IsAbs(c.Policy) || !filepath.IsAbs(c.Broker.Store) || !filepath.IsAbs(c.Gateway.Recordings) {
			t.Fatalf("a file name is missing: %+v", c)
		}
		if c.Broker.Listen == "" || !strings.HasPrefix(c.Broker.PublicURL, "https://") || len(c.Broker.Identity) == 0 || len(c.Connections) == 0 {
			t.Fatalf("incomplete: %+v", c)
		}
		for _, x := range c.Connections {
			sources := 0
			x.Each(func(_ string, s credential.Source) {
				if sources++; s.Check() != nil {
					t.Fatalf("a secret without one source: %+v", x)
				}
			})
			if x.Kind == "ssh" && len(x.HostKeys) > 0 && sources == 1 {
				continue
			}
			if x.Base != nil && (x.Base.User != nil || x.Base.RawQuery != "" || x.Base.Scheme != "https" && !x.Insecure && !config.IsLoopback(x.Address)) {
				t.Fatalf("unsafe: %+v", x)
			}
			if x.Kind == "http" && x.Base != nil || x.Kind == "kubernetes" && x.Base != nil && sources > 0 && (x.Impersonate == nil || x.Impersonate.Check() == nil) {
				continue
			}
			if x.Kind != "postgres" || x.Password.Check() != nil || x.TLS.Mode == config.Disable && !x.Insecure && !config.IsLoopback(x.Address) {
				t.Fatalf("unsafe: %+v", x)
			}
		}
	})
}
