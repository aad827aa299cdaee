package postgres

import (
	"slices"
	"strings"
	"testing"
)

func TestOptionsAreReadAsTheServerReadsThem(t *testing.T) {
	for text, want := range map[string][]option{
		"": nil, "  ": nil,
		"-c geqo=off":                            {{"geqo", "off"}},
		"-cgeqo=off --Work-Mem=1MB":              {{"geqo", "off"}, {"work_mem", "1MB"}},
		"\t-c  DateStyle=Postgres,\\ MDY\n-c a=": {{"datestyle", "Postgres, MDY"}, {"a", ""}},
		`-c application_name=a\\b=c\`:            {{"application_name", `a\b=c`}},
	} {
		if got, err := options(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"-c", "-c geqo", "-e", "geqo=off", "-c =off", "-- -c a=b", "-B 3", "-c a=b x"} {
		if got, err := options(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// FuzzOptions holds that what was read is written again as what reads the same, and that no setting hides in another.
func FuzzOptions(f *testing.F) {
	for _, seed := range []string{"-c geqo=off", `--work-mem=1\ MB -cgeqo=a\\b`, "-c a=b\\", "-e", "\v-c\fa=\r"} {
		f.Add(seed)
	}
	escape := strings.NewReplacer(`\`, `\\`, " ", `\ `, "\t", "\\\t", "\n", "\\\n", "\v", "\\\v", "\f", "\\\f", "\r", "\\\r")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := options(text)
		if err != nil {
			return
		}
		var again strings.Builder
		for _, o := range got {
			again.WriteString(" -c " + escape.Replace(o.name+"="+o.value))
			if o.name != strings.ToLower(o.name) || strings.ContainsAny(o.name, "-=") {
				t.Errorf("%q has a setting named %q", text, o.name)
			}
		}
		if twice, err := options(again.String()); err != nil || !slices.Equal(twice, got) {
			t.Errorf("%q reads as %v, and %q as %v, %v", text, got, again.String(), twice, err)
		}
	})
}
