package pgsql

import "strings"

// ReadStored reads a stored tree and answers it as it would be written, without the bytes of constants.
func ReadStored(text string) (string, bool) {
	tree, err := parseStored(text)
	if err != nil {
		return "", false
	}
	var b strings.Builder
	tree.write(&b)
	return b.String(), true
}

func (n *stored) write(b *strings.Builder) {
	switch {
	case n.tag != "":
		b.WriteString("{" + n.tag)
		for _, f := range n.fields {
			b.WriteString(" :" + f.name + " ")
			f.value.write(b)
		}
		b.WriteString("}")
	case n.list:
		b.WriteString("(")
		for i, item := range n.items {
			if i > 0 {
				b.WriteString(" ")
			}
			item.write(b)
		}
		b.WriteString(")")
	default:
		b.WriteString(n.word)
	}
}

// TotalFunctions are the signatures of the functions that are taken to be unable to fail, with the arguments that must be constants.
func TotalFunctions() map[string][]bool { return reviewedTotal() }

// ReviewedFunctions are the functions on the reviewed list, with their effects.
func ReviewedFunctions() map[string]string { return reviewedFunctions() }

// ReviewedRelations are the system relations on theirs.
func ReviewedRelations() map[string]string { return systemRelations() }
