package web

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// tools is a server of the Model Context Protocol over HTTP. It reads JSON as loosely as some do: names in any case, the last of two.
func tools(t testing.TB, log *journal) gateway.Target {
	return site(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		log.Add("%s %s", r.Method, body)
		var q struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params struct {
				Name      string         `json:"name"`
				Arguments map[string]any `json:"arguments"`
			} `json:"params"`
		}
		_ = json.Unmarshal(body, &q)
		log.Add("runs %s %s", q.Method, q.Params.Name)
		result := `{"content":[{"type":"text","text":"write to carol.canary@example.com"}],"structuredContent":{"ssn":"078-05-1120"}}`
		switch q.Method {
		case "notifications/initialized":
			w.WriteHeader(202)
			return
		case "initialize":
			w.Header().Set("Mcp-Session-Id", "s1")
			result = `{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"x","version":"1"}}`
		case "tools/list":
			result = `{"tools":[{"name":"search","inputSchema":{"type":"object"}}]}`
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s}\n\n", q.ID, result)
	})
}

const toolPolicy = `version: 1
rules:
  - {name: talk, effects: [write], http: {methods: [POST], paths: [/mcp], rpc: [initialize, "notifications/*", tools/list, tools/call]}, verdict: allow}
  - {name: find, effects: [execute], http: {paths: [/mcp], tools: [search]}, if: 'http.arguments.limit <= 10', verdict: allow}
masks:
  - {name: ssn, json: ["$..ssn"], as: redact}
  - {name: mail, detect: [email], as: redact}
`

const mcpFields = "Content-Type: application/json\nAccept: application/json, text/event-stream\nMcp-Protocol-Version: 2025-06-18"

func TestToolsAreCalledByNameAndArguments(t *testing.T) {
	log := &journal{}
	s := open(t, tools(t, log), toolPolicy)
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}`, 200, `"protocolVersion":"2025-06-18"`},
		{`{"jsonrpc":"2.0","method":"notifications/initialized"}`, 202, ""},
		{`{"jsonrpc":"2.0","id":2,"method":"tools/list"}`, 200, `"name":"search"`},
		{`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"search","arguments":{"limit":10}}}`, 200, `"text":"write to ***"}],"structuredContent":{"ssn":"***"}`},
		{`{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"search","arguments":{"limit":11}}}`, 403, `"rule":"default"`},
		{`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"search"}}`, 403, `"code":"denied"`},
		{`{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"drop","arguments":{"limit":1}}}`, 403, `"code":"denied"`},
		{`{"jsonrpc":"2.0","id":7,"method":"resources/read","params":{"uri":"file:///etc/passwd"}}`, 403, `"code":"denied"`},
	} {
		if a := s.Ask("POST /mcp", mcpFields, c.body); a.StatusCode != c.status || !strings.Contains(a.Text, c.want) {
			t.Errorf("%s: %s %s", c.body, a.Status, a.Text)
		}
	}
	if got := log.String(); log.Count("runs") != 4 || strings.Contains(got, "drop") || strings.Contains(got, "11") || strings.Contains(got, "passwd") {
		t.Errorf("the server ran:\n%s", got)
	}
	text := s.Recording()
	if strings.Contains(text, canarySSN) || strings.Contains(text, foundMail) || !strings.Contains(text, "drop") {
		t.Errorf("recorded:\n%s", text)
	}
}

func TestACallOfAToolCanNotBeSmuggled(t *testing.T) {
	call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"drop","arguments":{}}}`
	denies := "version: 1\nrules:\n  - {name: all, effects: [read, write, execute, session, transfer], verdict: allow}\n" +
		"  - {name: nodrop, effects: [execute], http: {tools: [drop]}, verdict: deny}\n"
	cases := map[string]struct{ fields, body string }{
		"plain":                    {"", call},
		"twice a method":           {"", strings.Replace(call, `"method"`, `"method":"ping","method"`, 1)},
		"twice a name":             {"", strings.Replace(call, `"name"`, `"name":"search","name"`, 1)},
		"another case behind":      {"", strings.Replace(call, `"name":"drop"`, `"name":"search","Name":"drop"`, 1)},
		"another case of params":   {"", strings.Replace(call, `"params"`, `"params":{"name":"search"},"Params"`, 1)},
		"a long s in params":       {"", strings.Replace(call, `"params"`, `"params":{"name":"search"},"paramſ"`, 1)},
		"another case of method":   {"", strings.Replace(call, `"method"`, `"method":"ping","METHOD"`, 1)},
		"cases without a version":  {"", `{"id":1,"Method":"tools/call","Params":{"Name":"drop"}}`},
		"no version":               {"", strings.Replace(call, `"jsonrpc":"2.0",`, "", 1)},
		"another version":          {"", strings.Replace(call, `"2.0"`, `2`, 1)},
		"a batch":                  {"", "[" + call + "]"},
		"behind another":           {"", `{"jsonrpc":"2.0","id":0,"method":"ping"}` + "\n" + call},
		"behind no call":           {"", `{"a":1}` + "\n" + call},
		"text":                     {"Content-Type: text/plain", call},
		"a form's type":            {"Content-Type: application/x-www-form-urlencoded", call},
		"no type":                  {"X: y", call},
		"escapes in a key":         {"", strings.Replace(call, `"method"`, `"met\u0068od"`, 1)},
		"escapes in the method":    {"", strings.Replace(call, `tools/call`, `tools\/c\u0061ll`, 1)},
		"escapes in the name":      {"", strings.Replace(call, `drop`, `dr\u006fp`, 1)},
		"a byte order mark":        {"", "\ufeff" + call},
		"UTF-16":                   {"Content-Type: application/json; charset=utf-16", "\xff\xfe" + wide(call)},
		"UTF-16 without a mark":    {"", wide(call)},
		"a form feed":              {"", "\f" + call},
		"comments":                 {"", strings.Replace(call, `"id"`, `/*x*/"id"`, 1)},
		"a comma too many":         {"", strings.Replace(call, `{}}}`, `{}},}`, 1)},
		"deep":                     {"", strings.Replace(call, `{}}}`, `{"a":`+strings.Repeat("[", 300)+strings.Repeat("]", 300)+`}}}`, 1)},
		"packed":                   {"Content-Encoding: gzip", packed(t, "gzip", call)},
		"packed, said second":      {"Content-Encoding: identity\nContent-Encoding: gzip", packed(t, "gzip", call)},
		"broken UTF-8 in the name": {"", strings.Replace(call, `drop`, "dr\xffop", 1)},
		"half a rune in the name":  {"", strings.Replace(call, `drop`, `dr\ud800op`, 1)},
		"something beside it":      {"", strings.Replace(call, `"id"`, `"admin":true,"id"`, 1)},
		"far behind":               {"", strings.Repeat(" ", bodyCap+10) + call},
		"padded":                   {"", strings.Replace(call, `{"jsonrpc"`, `{"pad":"`+strings.Repeat("x", bodyCap)+`","jsonrpc"`, 1)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			log := &journal{}
			s := open(t, tools(t, log), denies)
			fields := c.fields
			if fields == "" {
				fields = "Content-Type: application/json"
			}
			if a := s.Ask("POST /mcp", fields, c.body); a.StatusCode < 400 {
				t.Errorf("%s %s", a.Status, a.Text)
			}
			if log.Count("runs") > 0 {
				t.Errorf("the server has it:\n%.500s", log)
			}
		})
	}
	t.Run("in the query", func(t *testing.T) {
		log := &journal{}
		s := open(t, tools(t, log), denies)
		if a := s.Ask("GET /mcp?jsonrpc=2.0&method=tools/call&params=%7B%22name%22:%22drop%22%7D", "", ""); a.StatusCode != 400 || log.Count("GET") > 0 {
			t.Errorf("%s\n%s", a.Status, log)
		}
	})
}

// wide is UTF-16, the small end first.
func wide(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		b.WriteByte(c)
		b.WriteByte(0)
	}
	return b.String()
}

func TestARequestDressedAsACallKeepsTheEffectOfItsMethod(t *testing.T) {
	log := &journal{}
	s := open(t, tools(t, log), "version: 1\nrules: [{name: r, effects: [read, session, execute], verdict: allow}]\n")
	for _, body := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, `{"jsonrpc":"2.0","id":1,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","role":"admin"}}`,
	} {
		if a := s.Ask("POST /api/users", mcpFields, body); a.StatusCode != 403 {
			t.Errorf("%s: %s", body, a.Status)
		}
	}
	if log.Count("POST") > 0 {
		t.Errorf("the service has:\n%s", log)
	}
}

func TestBodiesThatAreNoCallsPass(t *testing.T) {
	log := &journal{}
	s := open(t, tools(t, log), allowAll)
	bodies := []string{
		`{"Method":"card","amount":1}`, `{"method":"card","amount":1}`, `{"a":1,"a":2}`, `[1,2]`, "{\"index\":{}}\n{\"x\":1}\n", `"text"`, "hello {world}", "{% template %}",
		"\x1f\x8b\x08", `{"name":"x","Name":"y"}`,
	}
	for _, body := range bodies {
		if a := s.Ask("POST /x", "Content-Type: application/json", body); a.StatusCode != 200 {
			t.Errorf("%s: %s %s", body, a.Status, a.Text)
		}
	}
}

func FuzzRPC(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"drop","arguments":{"a":1}}}`))
	f.Add([]byte(`{"Method":"tools/call"}`))
	f.Add([]byte("\xff\xfe{\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := rpc(body)
		// A lenient reader (names in any case, the last of two) must not see a call of a tool where none, or another, was judged.
		var loose struct {
			Method string
			Params struct{ Name string }
		}
		if json.Unmarshal(body, &loose) != nil || err != nil || loose.Method != toolsCall {
			return
		}
		if c == nil || c.method != toolsCall || c.tool != loose.Params.Name {
			t.Errorf("%q is judged as %+v", body, c)
		}
		accesses, why := judged(&policy.HTTP{Method: "POST", Path: "/"}, body, true)
		if why != nil || len(accesses) != 2 {
			t.Errorf("%q: %v %v", body, accesses, why)
		}
	})
}
