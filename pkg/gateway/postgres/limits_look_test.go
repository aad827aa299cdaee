package postgres_test

import (
	"strings"
	"testing"
)

func TestDetectorsLookAtLimitedResultsToo(t *testing.T) {
	s := listen(t, allowAll+"masks: [{name: leaks, detect: [email], as: redact}]\nlimits: ["+fiveRows+"]\n")
	for name, text := range map[string]string{
		"rows": "SELECT 'ann@example.com' FROM generate_series(1, 3)", "COPY": "COPY (SELECT 'ann@example.com' FROM generate_series(1, 9)) TO STDOUT",
	} {
		if got := transcript(t, s.client(t), text); got == "" || strings.Contains(got, "ann@example.com") {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := say(t, s.raw(t), 1, &query{String: "SELECT 'ann@example.com' FROM generate_series(1, 9)"}); got != "T D D D D D E53400 ZI" {
		t.Error(got)
	}
}
