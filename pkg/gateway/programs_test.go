package gateway_test

import (
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway"
)

func TestAPolicysOwnProgramsAreReadWithIt(t *testing.T) {
	p, err := gateway.ParsePolicy([]byte(`version: 1
programs:
  - {name: appctl, does: read, words: ["-v --json", "-o: --output: = write"]}
  - {name: appctl restart, does: admin any}
  - {name: systemctl soft-reboot, does: admin any}
  - {name: whois, does: read transfer, words: ["-h:"], replaces: true}
`), "policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Programs().Text(); !strings.HasPrefix(got, "appctl : read\n\t-v --json\n\t-o: --output: = write\nappctl restart : admin any\n") {
		t.Errorf("%q", got)
	}
}

// TestWhatWasReviewedIsReplacedInWordsAlone: an entry for what the table knows, by whatever path, must say so.
func TestWhatWasReviewedIsReplacedInWordsAlone(t *testing.T) {
	for entry, want := range map[string]string{
		"{name: sudo, does: read any}":                       "2:12: program sudo is in the reviewed table",
		"{name: /usr/bin/sudo, does: read any}":              "is in the reviewed table",
		"{name: /usr/local/bin/bash, does: read any}":        "is in the reviewed table",
		"{name: sudo -l, does: read}":                        `"sudo -l" can't stand here`,
		"{name: sudo journalctl, does: read any}":            "is in the reviewed table",
		"{name: env foo, does: read any}":                    "is in the reviewed table",
		"{name: psql status, does: read any}":                "is in the reviewed table",
		"{name: find list, does: read any}":                  "is in the reviewed table",
		"{name: systemctl edit, does: read any}":             "is in the reviewed table",
		"{name: kubectl get secrets, does: read any}":        "is in the reviewed table",
		"{name: git remote update, does: read any}":          "is in the reviewed table",
		"{name: appctl, does: read, replaces: true}":         "replaces nothing",
		"{name: appctl, does: reed}":                         `"reed" is no effect`,
		"{name: appctl, does: any}":                          "has no effect",
		"{name: appctl, does: read, words: [\"o\"]}":         `"o" is no flag`,
		"{name: appctl, does: read, words: [\"operand\"]}":   "says no effect",
		"{name: appctl restart, does: admin any}":            "stands before the entry above it",
		"{name: appctl, does: read, words: [\"-a\\n\\tb\"]}": "can't stand here",
		"{name: \"a : read\\nsudo\", does: read}":            "can't stand here",
		"{name: a, does: \"read\\nsudo : read\"}":            "can't stand here",
		"{name: ./appctl, does: read}":                       "neither a name nor an absolute path",
		"{name: //bin/sh, does: read}":                       "neither a name nor an absolute path",
		"{name: /bin/../bin/sh, does: read}":                 "neither a name nor an absolute path",
		"{name: appctl}":                                     "what the program does is missing",
		"{does: read}":                                       "the name of the program is missing",
		"{name: appctl, does: read, flags: [x]}":             "unknown key",
	} {
		_, err := gateway.ParsePolicy([]byte("version: 1\nprograms: ["+entry+"]\n"), "policy.yaml")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", entry, err, want)
		}
	}
}
