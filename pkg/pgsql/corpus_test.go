package pgsql_test

import (
	"context"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// evasion is one statement of the corpus.
type evasion struct{ id, text string }

func readCorpus(t testing.TB) []evasion {
	t.Helper()
	data, err := os.ReadFile("testdata/evasion-postgres.sql")
	if err != nil {
		t.Fatal(err)
	}
	var out []evasion
	for line := range strings.Lines(string(data)) {
		switch {
		case strings.HasPrefix(line, "-- @"):
			out = append(out, evasion{id: strings.Fields(line)[1][1:]})
		case !strings.HasPrefix(line, "--") && len(out) > 0:
			out[len(out)-1].text += line
		}
	}
	if len(out) < 70 {
		t.Fatalf("the corpus has %d statements", len(out))
	}
	return out
}

// canaries are the masked values of the schema, and pieces and images of them by which they would be known.
func canaries() []string {
	out := []string{"123-45-6789", "987-65-4321", "111-22-3333", "4111111111111111", "5500005555555559", "378282246310005", "+1-202-555-0101", "202-555-0102", "ann@example.com", "bob@example.com", "cy@example.com", `"vip"`, "Oslo", "9876-54-321", "123456789", "864197524", "tags"}
	for _, c := range slices.Clone(out) {
		runes := []rune(c)
		slices.Reverse(runes)
		out = append(out, string(runes), hex.EncodeToString([]byte(c)))
	}
	return out
}

func leaks(answer, text string) string {
	for _, c := range canaries() {
		if strings.Contains(answer, c) && !strings.Contains(text, c) {
			return c
		}
	}
	return ""
}

func TestNothingOfTheCorpusLeaks(t *testing.T) {
	env := envOf(t, connect(t, "agent", "postgres"), piiMasks())
	refused := 0
	for _, e := range readCorpus(t) {
		t.Run(e.id, func(t *testing.T) {
			a := understand(t, e.text, env)
			if a.Problem != nil {
				refused++
				if a.Problem.Message == "" || a.Problem.Rule == "" || a.Problem.SQLState == "" || a.Rewritten != "" {
					t.Fatalf("a refusal that does not say why: %+v", *a.Problem)
				}
				t.Logf("refused: %s %s: %s (%s)", a.Problem.SQLState, a.Problem.Rule, a.Problem.Message, a.Problem.Hint)
				return
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			answers := map[string]string{"simple": connect(t, "agent", "postgres").simple(ctx, a.Rewritten)}
			if a.Statements[0].CopyOut {
				answers["copy"] = connect(t, "agent", "postgres").copyOut(ctx, a.Rewritten)
				if len(answers["copy"]) < 10 {
					t.Errorf("nothing was copied: %q", answers["copy"])
				}
			}
			if len(a.Statements) == 1 && !strings.HasPrefix(a.Statements[0].Command, "copy") {
				answers["text"] = connect(t, "agent", "postgres").extended(ctx, a.Rewritten, 0)
				answers["binary"] = connect(t, "agent", "postgres").extended(ctx, a.Rewritten, 1)
			}
			for form, answer := range answers {
				if c := leaks(answer, e.text); c != "" {
					t.Errorf("%s: %q reached the client\n%s\n%s", form, c, a.Rewritten, answer)
				}
				t.Logf("%s: %s", form, answer)
			}
		})
	}
	if refused > 55 {
		t.Errorf("%d statements were refused: the honest reads among them must run", refused)
	}
}

// plainReads are the statements of the corpus that ask nothing but what a mask can answer.
func TestThePlainReadsOfTheCorpusAnswerMasked(t *testing.T) {
	env := envOf(t, connect(t, "agent", "postgres"), piiMasks())
	plain := strings.Fields("E01 E02 E03 E04 E05 E06 E07 E16 E17 E20 E21 E22 E23 E24 E26 E27 E29 E30 E33 E34 E35 E37 E47 E64 E65 E66 E74 E82 E83 E85 E86 F09")
	for _, e := range readCorpus(t) {
		if !slices.Contains(plain, e.id) {
			continue
		}
		a := understand(t, e.text, env)
		if a.Problem != nil {
			t.Errorf("%s: %+v", e.id, *a.Problem)
			continue
		}
		answer := connect(t, "agent", "postgres").simple(t.Context(), a.Rewritten)
		if strings.Contains(answer, "Severity:ERROR") {
			t.Errorf("%s: %s\n%s", e.id, a.Rewritten, answer)
		}
	}
}

func TestAMaskedRowShowsMasksAndNothingElseChanges(t *testing.T) {
	s := connect(t, "agent", "postgres")
	env := envOf(t, s, piiMasks())
	a := understand(t, "SELECT * FROM users WHERE id = 1", env)
	if a.Problem != nil {
		t.Fatal(*a.Problem)
	}
	answer := s.simple(t.Context(), a.Rewritten)
	if want := "id|name|email|ssn|card|phone|notes|\n1|Ann Lee|***|***|***|***|\nSELECT 1\n"; answer != want {
		t.Errorf("got %s\nwant %s", answer, want)
	}
	if want := "public.users.card,public.users.email,public.users.notes,public.users.phone,public.users.ssn"; strings.Join(a.Masked, ",") != want {
		t.Errorf("masked: %v", a.Masked)
	}
	if b := understand(t, "SELECT id FROM orders", env); b.Rewritten != `SELECT id FROM "public"."orders"` || b.Problem != nil {
		t.Errorf("an unmasked read is not what it was: %+v", b)
	}
	_ = pgsql.Redact
}
