package pgsql

// outerTarget is the relation with masked columns that a statement around this level writes to, where a reference may mean
// it: one of its masked columns, or its whole row. It holds the values themselves, since a target can't be replaced.
func (s *scope) outerTarget(parts []string, star bool) *item {
	if len(parts) == 0 {
		return nil // * is of its own level
	}
	for s = s.outer; s != nil; s = s.outer {
		if s.target != nil && len(s.target.masks) > 0 && s.target.mayBe(parts, star) {
			return s.target
		}
	}
	return nil
}

// mayBe says whether a reference, where nothing nearer is meant by it, tells what is masked of a target.
func (it *item) mayBe(parts []string, star bool) bool {
	last := parts[len(parts)-1]
	if star {
		return it.calls(last)
	}
	_, masked := it.masks[last]
	if len(parts) == 1 {
		return masked || it.calls(last)
	}
	return it.calls(parts[len(parts)-2]) && (masked || !has(it.columns, last))
}

// calls says whether a name means the whole row of a target; later servers know it as old and new in RETURNING too.
func (it *item) calls(name string) bool { return name == it.name || name == "old" || name == "new" }

// surelyHere says that a reference means an item of this very level that shows masks. Then nothing further out is meant.
// It isn't sure where an aliased join hides what it joins, nor in a join's condition, which sees its two sides alone.
func (s *scope) surelyHere(parts []string, star bool, part string) bool {
	if s.hides || part == "join" {
		return false
	}
	last := parts[len(parts)-1]
	if len(parts) == 1 && !star {
		for _, it := range s.items {
			if it.replaced && has(it.columns, last) {
				return true
			}
		}
		for out := s.outer; out != nil; out = out.outer {
			if t := out.target; t != nil {
				if _, masked := t.masks[last]; masked {
					return false // columns come before rows, at any level
				}
			}
		}
		return s.shows(last, "", true)
	}
	if star {
		return s.shows(last, "", true)
	}
	return s.shows(parts[len(parts)-2], last, false)
}

// shows says whether the one item of a name at this level shows masks, and has a column.
func (s *scope) shows(name, column string, row bool) bool {
	count, found := 0, false
	for _, it := range s.items {
		if it.name == name {
			count++
			found = it.replaced && (row || has(it.columns, column))
		}
	}
	return count == 1 && found
}
