package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// Problem is one thing that is wrong, or worth a warning, in a policy file.
type Problem = strict.Problem

// Problems is all that is wrong with a policy file, in the order of the file. Parse returns it as its error.
type Problems = strict.Problems

// decoder reads nodes into rules.
type decoder struct{ *strict.Reader }

func newDecoder(file string) *decoder {
	return &decoder{&strict.Reader{File: file, Words: strict.Words{
		Where: "in a policy", Begin: "it begins with: version: 1", Empty: "leave the key out to mean everything", Every: 3,
	}}}
}

// later refuses a key that this version does not serve. To ignore it would grant more than was written.
func (d *decoder) later(what string) func(*strict.Node) {
	return d.Later(what, "remove it, and see what the rest grants without it")
}

// word reads one of a closed list of words.
func (d *decoder) word(n *strict.Node, kind string, known ...string) string {
	if n.Kind == strict.Scalar && !slices.Contains(known, n.Text) {
		d.Unknown(n, kind, n.Text, "", known)
		return ""
	}
	return d.Text(n)
}

func (d *decoder) globs(g *globs) func(*strict.Node) {
	return func(n *strict.Node) {
		*g = globs{}
		d.Each(n, func(n *strict.Node) { *g = append(*g, newGlob(d.Text(n))) })
	}
}

// names reads plain names: a star has no meaning there.
func (d *decoder) names(names *[]string) func(*strict.Node) {
	return func(n *strict.Node) {
		d.Each(n, func(n *strict.Node) {
			if strings.Contains(n.Text, "*") {
				d.Report(n, fmt.Sprintf("%q: names stand in full here, * has no meaning", n.Text), "")
			}
			*names = append(*names, d.Text(n))
		})
	}
}

// words reads one word of a closed list, or a list of them.
func (d *decoder) words(words *[]string, kind string, known ...string) func(*strict.Node) {
	return func(n *strict.Node) {
		if n.Kind == strict.Scalar {
			*words = append(*words, d.word(n, kind, known...))
			return
		}
		d.Each(n, func(n *strict.Node) { *words = append(*words, d.word(n, kind, known...)) })
	}
}

func (d *decoder) boolean(b *bool) func(*strict.Node) {
	return func(n *strict.Node) { *b = d.word(n, "value", "true", "false") == "true" }
}

func (d *decoder) integer(i *int, low, high int) func(*strict.Node) {
	return func(n *strict.Node) {
		v, err := strconv.Atoi(d.Text(n))
		if err != nil || v < low || v > high {
			d.Report(n, fmt.Sprintf("%q is no whole number from %d to %d", n.Text, low, high), "")
			return
		}
		*i = v
	}
}

func (d *decoder) duration(t *time.Duration, low, high time.Duration) func(*strict.Node) {
	return func(n *strict.Node) {
		v, err := time.ParseDuration(d.Text(n))
		if err != nil || v < low || v > high {
			d.Report(n, fmt.Sprintf("%q is no duration from %s to %s", n.Text, short(low), short(high)), `write it like "45s", "30m" or "1h30m"`)
			return
		}
		*t = v
	}
}

// short prints a duration without its empty parts: 30m, not 30m0s.
func short(t time.Duration) string {
	s := t.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
