package body_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/mask"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

// lists are answers like those of a cluster's and a service's API.
func lists() map[string]string {
	var pods, users strings.Builder
	for i := range 300 {
		fmt.Fprintf(&pods, `{"metadata":{"name":"web-%d","namespace":"default","uid":"550e8400-e29b-41d4-a716-4466554%05d","resourceVersion":"%d","creationTimestamp":"2026-11-26T10:42:%02dZ","labels":{"app":"web","pod-template-hash":"7d9c8f"},`+
			`"annotations":{"deployment.kubernetes.io/revision":"%d"}},"spec":{"containers":[{"name":"app","image":"registry.example/app:1.%d","ports":[{"containerPort":8080,"protocol":"TCP"}],"resources":{"limits":{"memory":"128Mi"}}}],"nodeName":"node-%d"},"status":{"phase":"Running","podIP":"10.0.%d.%d"}},`,
			i, i, 100000+i, i%60, i, i, i%9, i%200, i%250)
		fmt.Fprintf(&users, `{"id": %d, "user_name": "customer-%d", "created_at": "2026-11-26T10:42:%02dZ", "tags": ["a", "b_c"], "total": %d.50, "note": "The order was delivered on Tuesday; the customer asked for \"more\" items."},`+"\n", 100000+i, i, i%60, i*3)
	}
	return map[string]string{"pods": `{"kind":"PodList","items":[` + strings.TrimSuffix(pods.String(), ",") + `]}`, "users": `[` + strings.TrimSuffix(users.String(), ",\n") + `]`}
}

func BenchmarkJSON(b *testing.B) {
	set := detectors(b, "redact")
	for name, rules := range map[string]body.Rules{
		"paths":     {Paths: paths(b, "$.items[*].data.*", "$..password", "$[*].ssn")},
		"path":      {Paths: paths(b, "$.data.*")},
		"detectors": {Detectors: set},
		"both":      {Paths: paths(b, "$.items[*].data.*", "$..password", "$[*].ssn"), Detectors: set, Secrets: body.NewSecrets("s3cr3t-token-of-a-target")},
		"secrets":   {Secrets: body.NewSecrets("s3cr3t-token-of-a-target")},
	} {
		for what, text := range lists() {
			b.Run(name+"/"+what, func(b *testing.B) { run(b, rules, []byte(text)) })
		}
	}
	for what, text := range lists() {
		b.Run("set alone/"+what, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			t := []byte(text)
			for b.Loop() {
				if _, r := set.Apply(t, mask.Text); r != mask.Clean {
					b.Fatal("found")
				}
			}
		})
	}
}

func run(b *testing.B, rules body.Rules, text []byte) {
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var out []byte
	for b.Loop() {
		f := filter(b, jsonType, rules)
		n := 0
		for rest := text; len(rest) > 0; {
			size := min(len(rest), 32<<10)
			var err error
			if out, err = f.Write(out[:0], rest[:size]); err != nil {
				b.Fatal(err)
			}
			n, rest = n+len(out), rest[size:]
		}
		out, err := f.Close(out[:0])
		if n += len(out); err != nil || n != len(text) {
			b.Fatalf("%d bytes of %d, %v", n, len(text), err)
		}
	}
}

// What is looked for in every answer of a service is its credential, which is not there.
func BenchmarkSecrets(b *testing.B) {
	texts := lists()
	texts["digits"] = strings.Repeat("0123456789abcdef\n", 4000)
	texts["page"] = strings.Repeat("The service answers with a token of its own, which is good for one hour; the next one is asked for then.\n", 600)
	for name, secret := range map[string]string{
		"short": "pa55word", "token": "service-token-0123456789", "jwt": strings.Repeat("eyJhbGciOiJSUzI1NiIsImtpZCI6I", 30),
	} {
		for what, text := range texts {
			b.Run(name+"/"+what, func(b *testing.B) {
				run(b, body.Rules{Secrets: body.NewSecrets(secret)}, []byte(strings.Repeat(text, 8<<20/len(text))))
			})
		}
	}
}
