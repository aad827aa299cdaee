package pgsql_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// The server's own rules are the oracle: what was read of each is all that stands in it.
func TestStoredTreesAreReadAsTheServerWroteThem(t *testing.T) {
	s := connect(t, "postgres", "postgres")
	rows, err := s.Exec(t.Context(), "SELECT ev_action::text FROM pg_rewrite UNION ALL SELECT adbin::text FROM pg_attrdef UNION ALL SELECT conbin::text FROM pg_constraint WHERE conbin IS NOT NULL").ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	bytes := regexp.MustCompile(` \[[ 0-9-]*\]`)
	if len(rows[0].Rows) < 130 {
		t.Errorf("only %d trees", len(rows[0].Rows))
	}
	for _, r := range rows[0].Rows {
		want := bytes.ReplaceAllString(string(r[0]), "")
		if got, ok := pgsql.ReadStored(string(r[0])); !ok || got != want {
			t.Errorf("%.200s\nwas read as\n%.200s", r[0], got)
		}
	}
}

func FuzzAStoredTreeIsReadWholeOrNotAtAll(f *testing.F) {
	for _, seed := range []string{"<>", "({QUERY :commandType 1 :rtable ({RANGETBLENTRY :alias {ALIAS :aliasname :varno :colnames (\"a\\ b\" \"\")} :relid 5})})", "{CONST :constvalue 4 [ 1 0 -1 ]}", "(b 1 2)", "{A :b \\", "{A :b c", "(((", "{A b c}", "{A :b [ ] :c }", "} {"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once, ok := pgsql.ReadStored(text)
		if !ok {
			return
		}
		if twice, ok := pgsql.ReadStored(once); !ok || twice != once {
			t.Errorf("%q was read as %q, and that as %q", text, once, twice)
		}
		if strings.Count(once, "{") < strings.Count(text, "{") && !strings.ContainsAny(text, "\\[") {
			t.Errorf("%q lost a node: %q", text, once)
		}
	})
}

// A function on the list of those that can't fail is tried with what is hard to take: an error would tell of masked values.
func TestFunctionsThatCantFailDont(t *testing.T) {
	s := connect(t, "postgres", "postgres")
	hard := map[string]string{
		"text":   `'', ' ', 'a', '-1', 'ab,cd', U&'\00e9\0301\FF11\+01F600', '%', E'\\', '$1(', repeat('x', 5000), '{"a":1}', E'a\nb'`,
		"bpchar": `'', 'a   '`, "bool": "true, false", "int2": "-32768, 0, 32767", "int4": "-2147483648, -1, 0, 1, 2147483647", "int8": "-9223372036854775808, 0, 9223372036854775807",
		"float8": "'nan', 'infinity', '-infinity', 1e308, 1e-308, '-0'", "numeric": "'nan', 'infinity', '-infinity', 1e130000, 0, -1e-10000",
		"date": "'infinity', '-infinity', '4713-01-01 BC', '5874897-12-31', '2000-02-29'", "timestamp": "'infinity', '-infinity', '4713-01-01 BC', '294276-12-31 23:59:59.999999'",
		"json": `'{}', 'null', '[1]', '"a"', '{"k": "v", "k": {"k": null}}'`, "jsonb": `'{}', 'null', '[1]', '"a"', '{"k": {"k": null}}'`,
	}
	constant := map[string]string{"text": "'k', 'year', '', ','", "int4": "-1, 0, 3, 100"}
	for signature, fixed := range pgsql.TotalFunctions() {
		function, types, _ := strings.Cut(signature, " ")
		var from, args []string
		for i, typ := range strings.Split(types, ",") {
			values := hard[typ]
			if fixed[i] {
				values = constant[typ]
			}
			if (function == "extract" || function == "date_part") && i == 0 {
				values = "'year', 'epoch', 'dow', 'decade'"
			}
			if function == "split_part" && i == 2 {
				values = "-1, 3"
			}
			if (function == "substr" || function == "substring") && i == 2 {
				values = "0, 3, 2147483647"
			}
			from = append(from, fmt.Sprintf("unnest(ARRAY[%s]::pg_catalog.%s[] || NULL::pg_catalog.%s) AS a%d", values, quoted(typ), quoted(typ), i))
			args = append(args, fmt.Sprintf("a%d", i))
		}
		text := fmt.Sprintf("SELECT count(pg_catalog.%s(%s)::text), count(*) FROM %s", quoted(function), strings.Join(args, ", "), strings.Join(from, " CROSS JOIN "))
		if answer := s.simple(t.Context(), text); strings.Contains(answer, "ERROR") {
			t.Errorf("%s: %s", text, answer)
		}
		row, err := s.Exec(t.Context(), fmt.Sprintf("SELECT provolatile <> 'v' AND NOT proretset AND prosecdef IS FALSE FROM pg_proc WHERE oid = 'pg_catalog.%s(%s)'::regprocedure", quoted(function), types)).ReadAll()
		if err != nil || string(row[0].Rows[0][0]) != "t" {
			t.Errorf("%s is volatile, or answers rows: %v", signature, err)
		}
	}
}

func quoted(name string) string { return `"` + name + `"` }
