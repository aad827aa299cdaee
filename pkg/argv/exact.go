package argv

import "fmt"

// Exact is the line of a program that is started with exactly these words, and by no shell: nothing in them is an operator. Its error
// is an *Err, as Parse's is.
func Exact(words []string, limits Limits) (*Line, error) {
	limits = limits.filled()
	text := Quote(words)
	if err := sound(text, limits); err != nil {
		return nil, err
	}
	if len(words) > limits.Words {
		return nil, &Err{fmt.Sprintf("a command has %d words, %d at most", len(words), limits.Words)}
	}
	args := make([]Word, len(words))
	for i, w := range words {
		args[i] = Word{Kind: Literal, Value: w}
		args[i].Source = shown(args[i])
	}
	return &Line{Text: text, Commands: []Command{{Args: args}}, normal: text}, nil
}

// Programs are the words of every program that a known line runs, those that others run for it among them as Finding.Runs has
// them, and everything that the line needs a shell for. Where the words of one program are not known, those of none are: nil.
func (l *Line) Programs(runs []Command) (all [][]string, operators []string) {
	all = [][]string{}
	operators = append(append(operators, l.Operators...), l.Expansions...)
	for _, c := range runs {
		for _, r := range c.Redirects {
			operators = append(operators, r.Op)
		}
		if len(c.Assigns) > 0 {
			operators = append(operators, "=")
		}
		words, ok := c.Values()
		if !ok {
			return nil, operators
		}
		if len(words) > 0 {
			all = append(all, words)
		}
	}
	return all, operators
}
