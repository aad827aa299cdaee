package argv

import (
	"maps"
	"slices"
	"strings"
)

// Markdown is the table for people: by effects, the programs and subcommands that have them without further flags.
func (t *Table) Markdown() string {
	by := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(t.programs)) {
		p := t.programs[name]
		var effects []string
		for _, e := range p.effects {
			effects = append(effects, string(e))
		}
		key := strings.Join(effects, ", ")
		word := "`" + name + "`"
		if len(p.flags) > 2 || len(p.operands)+len(p.needs)+len(p.forms)+len(p.only) > 0 || p.special != "" || p.from > 0 {
			word += "\\*"
		}
		by[key] = append(by[key], word)
	}
	var out strings.Builder
	out.WriteString("| effects | programs |\n|---|---|\n")
	for _, key := range slices.Sorted(maps.Keys(by)) {
		out.WriteString("| " + key + " | " + strings.Join(by[key], ", ") + " |\n")
	}
	return out.String()
}
