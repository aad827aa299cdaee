package config_test

import (
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/cmd/hoopd/config"
)

// with is the good file with one connection in the place of its own.
func with(t *testing.T, connection string) string {
	t.Helper()
	before, after, _ := strings.Cut(good(t), "connections:\n")
	return before + "connections:\n  - {" + connection + "}\n" + after[strings.Index(after, "policy:"):]
}

const (
	cluster = "name: k8s, kind: kubernetes, address: \"https://k8s.internal:6443\", "
	service = "name: web, kind: http, address: \"https://tools.internal/grafana/\", "
	token   = "credential: {token: {env: A}}"
	persons = "impersonate: {user: \"hoop:{user}\", groups: \"hoop:{groups}\"}"
)

func TestAServiceCanBeSaidToReadPathsAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string]bool{"": false, ", raw_paths: true": true, ", raw_paths: false": false} {
		c, err := parse(t, with(t, service+"credential: {none: {}}"+text))
		if err != nil || c.Connections[0].RawPaths != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAServicesCookiesThatClientsReadAreNamed(t *testing.T) {
	c, err := parse(t, with(t, service+"credential: {none: {}}, shown_cookies: [lang, XSRF-TOKEN]"))
	if err != nil || strings.Join(c.Connections[0].ShownCookies, " ") != "lang XSRF-TOKEN" {
		t.Errorf("%v, %v", c, err)
	}
	if _, err := parse(t, with(t, service+"credential: {none: {}}, shown_cookies: [\"a=b\"]")); err == nil || !strings.Contains(err.Error(), "is no name") {
		t.Errorf("a name that is none: %v", err)
	}
}

func TestAClusterIsRead(t *testing.T) {
	c, err := parse(t, with(t, cluster+`credential: {token_request: {token: {file: t}, service_account: hoop/reader, audiences: [k8s]}}, tls: {ca_file: ca.pem}, `+
		`impersonate: {user: "hoop:{user}", groups: ["hoop:{groups}", hoop-users], extra: {hoop.example.com/issuer: "{issuer}"}}`))
	if err != nil {
		t.Fatal(err)
	}
	x := c.Connections[0]
	if x.Base.String() != "https://k8s.internal:6443" || x.Address != "k8s.internal:6443" || x.TLS.Mode != config.VerifyFull || x.TLS.CAFile != "/etc/hoop/ca.pem" {
		t.Errorf("where: %v %s %+v", x.Base, x.Address, x.TLS)
	}
	if r := x.Request; r == nil || r.Namespace != "hoop" || r.ServiceAccount != "reader" || len(r.Audiences) != 1 || x.Token.File != "/etc/hoop/t" {
		t.Errorf("token request: %+v", x)
	}
	if i := x.Impersonate; i.User != "hoop:{user}" || len(i.Groups) != 2 || i.Extra["hoop.example.com/issuer"][0] != "{issuer}" || len(c.Warnings) != 0 {
		t.Errorf("impersonate: %+v, warnings %v", i, c.Warnings)
	}
}

func TestAServiceIsRead(t *testing.T) {
	for text, in := range map[string]string{
		"credential: {header: {name: Authorization, value: {env: A}}}": "header", "credential: {query: {name: key, value: {env: A}}}": "query",
		"credential: {cookie: {name: sid, value: {env: A}}}": "cookie", "credential: {basic: {user: u, password: {env: A}}}": "basic",
		"credential: {none: {}}": "", "credential: {certificate: {file: c}, key: {file: k}}": "",
		"credential: {header: {name: X-Key, value: {env: A}}, certificate: {file: c}, key: {file: k}}": "header",
	} {
		c, err := parse(t, with(t, service+text+", assertion: {header: X-Hoop-Identity, audience: grafana}"))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		x := c.Connections[0]
		if x.Base.String() != "https://tools.internal/grafana" || x.Address != "tools.internal:443" || x.Slot.In != in || x.Assertion.Audience != "grafana" {
			t.Errorf("%s: %+v", text, x)
		}
		if warned := len(c.Warnings) > 0; warned != (in == "query") {
			t.Errorf("%s: %v", text, c.Warnings)
		}
	}
}

func TestAClusterOrServiceThatIsNotSaidSafelyIsRefused(t *testing.T) {
	none := "credential: {none: {}}"
	at := func(address string) string { return "name: web, kind: http, address: \"" + address + "\", " + none }
	for connection, want := range map[string]string{
		at("http://tools.internal:3000"):                                             "over the network in clear",
		at("http://localhost.evil.example:3000"):                                     "over the network in clear",
		at("https://user:pass@tools.internal"):                                       "a credential never stands in it",
		at("https://tools.internal?x=1"):                                             "it has a query or a fragment",
		at("https://tools.internal/a#b"):                                             "it has a query or a fragment",
		at("https://tools.internal/a#"):                                              "it has a query or a fragment",
		at("https://tools.internal/a/../b"):                                          "its path is not in the one form",
		at("https://tools.internal/a%2fb"):                                           "its path is not in the one form",
		at("https://tools.internal//a"):                                              "its path is not in the one form",
		at("https://tools.internal:0"):                                               "its port is none",
		at("https://tools.internal:"):                                                "its port is none",
		at("ftp://tools.internal"):                                                   "neither https:// nor http://",
		at("tools.internal:3000"):                                                    "is not an address",
		at("https://"):                                                               "it is no URL with a host",
		at("http://127.0.0.1:3000") + ", tls: {ca_file: a}":                          "so there is no TLS to configure",
		at("https://tools.internal") + ", tls: {mode: disable}":                      "says https, and the mode disable",
		service + "credential: {}":                                                   "is one of header, basic, query, cookie and none",
		service + "credential: {none: {}, basic: {user: a, password: {env: A}}}":     "is one of header, basic, query, cookie and none",
		service + "credential: {none: {a: b}}":                                       "none has nothing in it",
		service + "credential: {header: {name: Authorization, value: hunter2}}":      "never stands in this file",
		service + "credential: {header: {name: \"X Y\", value: {env: A}}}":           "is no name of a header",
		service + "credential: {header: {name: Transfer-Encoding, value: {env: A}}}": "is not one to set here",
		service + "credential: {header: {name: Host, value: {env: A}}}":              "is not one to set here",
		service + "credential: {header: {name: X-Key}}":                              "header needs the key \"value\"",
		service + "credential: {cookie: {name: \"a=b\", value: {env: A}}}":           "is no name",
		service + "credential: {basic: {user: \"a:b\", password: {env: A}}}":         "has no colon",
		service + "credential: {certificate: {file: c}}":                             "belong together",
		service + none + ", impersonate: {user: a}":                                  "unknown key \"impersonate\"",
		service + none + ", assertion: {header: X-Id}":                               "an assertion needs the key \"audience\"",
		service + "credential: {header: {name: X-Id, value: {env: A}}}, assertion: {header: x-id, audience: a}":         "would stand in the header of the credential",
		service + "credential: {basic: {user: a, password: {env: A}}}, assertion: {header: authorization, audience: a}": "would stand in the header of the credential",
		"name: web, kind: http, address: \"http://127.0.0.1:1\", credential: {certificate: {file: c}, key: {file: k}}":  "no certificate is shown",
		cluster + "credential: {token: {env: A}, certificate: {file: c}, key: {file: k}}":                               "is one of token, token_request",
		cluster + "credential: {key: {file: k}}":                                            "belong together",
		cluster + "credential: {token_request: {token: {env: A}, service_account: reader}}": "is no service account",
		cluster + "credential: {token_request: {token: {env: A}, service_account: a.b/c}}":  "is no service account",
		cluster + "credential: {token_request: {token: {env: A}}}":                          "needs the key \"service_account\"",
		cluster + token + ", impersonate: {groups: \"{groups}\"}":                           "impersonate needs a user",
		cluster + token + ", impersonate: {user: \"{usr}\"}":                                "{usr} stands for nothing",
		cluster + token + ", impersonate: {user: \"{groups}\"}":                             "{groups} stands for nothing",
		cluster + token + ", impersonate: {user: \"{user\"}":                                "a brace that stands alone",
		cluster + token + ", impersonate: {user: a, extra: {\"A b\": c}}":                   "is no name of an extra field",
		cluster + token + ", impersonate: {user: \"a \"}":                                   "begins or ends with a space",
		cluster + token + ", database: a":                                                   "unknown key \"database\"",
		"name: k8s, kind: kubernetes, " + token:                                             "needs the key \"address\"",
	} {
		if _, err := parse(t, with(t, connection)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", connection, err, want)
		}
	}
}

func TestWhatIsUnsafeOfAClusterOrServiceIsSaid(t *testing.T) {
	for connection, want := range map[string]string{
		cluster + token: "takes everybody for the gateway's own account",
		cluster + token + ", impersonate: {user: viewer}":                                                   "does not tell one person from another",
		cluster + token + ", impersonate: {user: \"{user}\"}":                                               "names of the identity provider mean in the cluster",
		cluster + token + ", impersonate: {user: \"hoop:{user}\", groups: \"{groups}\"}":                    "names of the identity provider mean in the cluster",
		cluster + token + ", " + persons + ", tls: {mode: require}":                                         "the target is not verified in full",
		"name: web, kind: http, address: \"http://tools.internal\", insecure: true, credential: {none: {}}": "go over the network in clear",
		"name: web, kind: http, address: \"http://127.0.0.1:3000\", credential: {none: {}}":                 "",
		cluster + token + ", " + persons:                                                                    "",
	} {
		c, err := parse(t, with(t, connection))
		if err != nil {
			t.Errorf("%s: %v", connection, err)
			continue
		}
		if got := config.Problems(c.Warnings).Error(); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", connection, got, want)
		}
	}
}
