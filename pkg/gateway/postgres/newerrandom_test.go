package postgres_test

import (
	"slices"
	"testing"
)

// newerRelations are those of newer-schema.sql that a server of a version has, and some of the twins' own.
func newerRelations(major int) []relation {
	made := "id:i name:t secret:t num:i gone:b a:i note:t v_name:t v_here:b v_secret:t v_num:i v_own:t v_null:t v_twice:i"
	out := []relation{
		{"made", "id", columnsOf(made), []string{"note", "gone"}, []string{"secret", "num", "a"}}, {"made", "id", columnsOf(made), []string{"note", "name"}, nil},
		{"w_made", "id", columnsOf("id:i v_name:t v_secret:t v_twice:i"), nil, nil}, {"w_here", "id", columnsOf("id:i a:i"), nil, nil}, {"w_two", "id", columnsOf("id:i a:i"), nil, nil}, {"w_num", "id", columnsOf("id:i v_num:i"), nil, nil},
		{"ten", "id", columnsOf("id:i tenant:i mail:t note:t"), []string{"note"}, nil}, {"part", "id", columnsOf("id:i tenant:i mail:t note:t"), []string{"note"}, nil}, {"free", "id", columnsOf("id:i tenant:i mail:t note:t"), []string{"note"}, nil},
		{"crew", "id", columnsOf("id:i squad:i mail:t"), []string{"squad"}, []string{"mail"}}, {"squads", "id", columnsOf("id:i label:t"), []string{"label"}, []string{"id"}}, {"firms", "id", columnsOf("id:i label:t"), []string{"label"}, []string{"id"}},
		{"hands", "id", columnsOf("id:i firm:i mail:t"), []string{"firm"}, []string{"mail"}}, {"tools", "id", columnsOf("id:i hand:i"), nil, nil},
		{"lain", "id", columnsOf("id:i mail:t note:t"), []string{"note"}, nil}, {"w_sails", "id", columnsOf("id:i boat:i"), nil, nil}, {"w_sail", "id", columnsOf("id:i"), nil, nil},
		{"filled", "id", columnsOf("id:i a:i num:i g:i note:t"), []string{"note", "a"}, []string{"num"}}, {"drawn", "id", columnsOf("id:i a:i num:i g:i note:t"), []string{"note", "a"}, []string{"num"}},
		{"stays", "guest", columnsOf("room:o during:o guest:t"), nil, nil}, {"staff", "id", columnsOf("id:i name:t team:i tax:t pay:n note:t"), []string{"note"}, []string{"tax"}}, {"plain", "id", columnsOf("id:i a:i b:t c:n d:d label:t"), []string{"a", "b"}, nil},
	}
	return slices.DeleteFunc(out, func(r relation) bool { return r.name == "stays" && major < 18 })
}

// Random statements over newer-schema.sql, a twentieth as many, where PostgreSQL takes an index whenever it can.
func TestRandomStatementsOnWhatNewerVersionsBroughtTellNoMaskedValue(t *testing.T) {
	major := serverMajor(t)
	left, right, canaries := twinsOf(t, newerSchema(major), newerMasks)
	for _, w := range []*twin{left, right} {
		for _, setting := range []string{"enable_seqscan", "enable_bitmapscan", "jit"} {
			if err := w.server.Exec("ALTER ROLE agent SET " + setting + " = off"); err != nil {
				t.Fatal(err)
			}
		}
	}
	c := comparison{left: left, right: right, canaries: canaries}
	w := newWriter(uint64(setting(t, "HOOP_SEED", 1)))
	w.all, w.newer = newerRelations(major), major >= 18
	c.random(t, w, setting(t, "HOOP_STATEMENTS", 10_000)/20, 40)
}
