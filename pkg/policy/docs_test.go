package policy_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestTheExamplesForClustersAndServicesParse(t *testing.T) {
	text, err := os.ReadFile("../../docs/how-to/write-policy.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		switch {
		case strings.HasPrefix(block[1], "- "):
			parse(t, "version: 1\nrules:\n"+block[1])
		case strings.HasPrefix(block[1], "masks:"):
			parse(t, "version: 1\n"+block[1])
		default:
			continue
		}
		found++
	}
	if found < 5 {
		t.Errorf("%d examples were found", found)
	}
}
