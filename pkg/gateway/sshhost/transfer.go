package sshhost

import (
	"path"
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/argv"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// transfer is a command line that a program of the client's sent to carry files, and that nobody types: scp, rsync and git
// run their other halves at the host.
type transfer struct {
	channel string
	words   []string
	places  []int // of paths among the words
	write   bool  // else it reads
	deletes bool
	unclear bool // it has words that were not reviewed
	flags   string
}

// transferOf tells whether a line is the other half of scp, rsync or git, in exactly the form that these send.
func transferOf(line *argv.Line) *transfer {
	if !line.Known() || len(line.Commands) != 1 || len(line.Operators) > 0 || len(line.Expansions) > 0 {
		return nil
	}
	c := line.Commands[0]
	words, ok := c.Values()
	if !ok || len(words) < 2 || len(c.Assigns) > 0 || len(c.Redirects) > 0 || c.Negated {
		return nil
	}
	switch words[0] {
	case "scp":
		return scpTransfer(words)
	case "rsync":
		return rsyncTransfer(words)
	case "git-upload-pack", "git-upload-archive", "git-receive-pack":
		if len(words) != 2 || strings.HasPrefix(words[1], "-") || words[1] == "" {
			return nil
		}
		return &transfer{channel: "git", words: words, places: []int{1}, write: words[0] == "git-receive-pack"}
	}
	return nil
}

// scpTransfer reads `scp -t PATH` or `scp -f PATH`, with -r, -p, -d, -q and -v.
func scpTransfer(words []string) *transfer {
	t := &transfer{channel: "scp", words: words}
	i := 1
	for ; i < len(words) && strings.HasPrefix(words[i], "-") && words[i] != "-"; i++ {
		if words[i] == "--" {
			i++
			break
		}
		if strings.Trim(words[i][1:], "tfrpdqv") != "" {
			return nil
		}
		t.flags += words[i][1:]
	}
	from, to := strings.Contains(t.flags, "f"), strings.Contains(t.flags, "t")
	if from == to || i != len(words)-1 || words[i] == "" {
		return nil
	}
	t.write, t.places = to, []int{i}
	return t
}

func (t *transfer) operation() string {
	if t.write {
		return "write"
	}
	return "read"
}

// paths are the paths as they were written.
func (t *transfer) paths() (all []string) {
	for _, i := range t.places {
		all = append(all, t.words[i])
	}
	return all
}

// at is the transfer with other paths.
func (t *transfer) at(paths []string) *transfer {
	out := *t
	out.words = slices.Clone(t.words)
	for i, p := range paths {
		out.words[t.places[i]] = p
	}
	return &out
}

// line is the command line that is sent.
func (t *transfer) line() string { return argv.Quote(t.words) }

// facts are what rules see of it. Paths that are not known to be canonical are no facts, and what is done to them is not known.
func (t *transfer) facts(canonical bool) policy.Command {
	paths := t.paths()
	for i, p := range paths {
		trimmed := strings.TrimSuffix(p, "/")
		if !canonical || t.unclear || !strings.HasPrefix(p, "/") || trimmed != "" && path.Clean(p) != trimmed {
			paths = nil
			break
		}
		if trimmed != "" {
			paths[i] = trimmed
		}
	}
	effects := []policy.Effect{policy.Read}
	if t.write {
		effects = []policy.Effect{policy.Write}
	}
	if t.deletes {
		effects = append(effects, policy.Delete)
	}
	if t.unclear || !canonical {
		effects = append(effects, policy.Unknown)
	}
	c := policy.Command{SSH: &policy.SSH{Channel: t.channel, Argv: [][]string{t.words}}, Files: &policy.Files{Operation: t.operation(), Paths: paths}}
	for _, e := range effects {
		if len(paths) == 0 {
			c.Accesses = append(c.Accesses, policy.Access{Effect: e, Object: t.words[0]})
		}
		for _, p := range paths {
			c.Accesses = append(c.Accesses, policy.Access{Effect: e, Object: p})
		}
	}
	return c
}
