package pgsql

// attributes judges (x).name: the field of a row, or else a call of the function of that name with x, of whatever type.
func (j *judge) attributes(n *node) {
	arg := n.child("arg")
	for _, part := range n.list("indirection") {
		if part.is("String") {
			j.attribute(n.loc, part, arg)
		}
		arg = nil // what the parts before answer
	}
}

// attribute judges a name in the place of a field, as the call that it is where a function has that name.
func (j *judge) attribute(loc int, name, arg *node) {
	function := name.text("sval")
	if c := j.env.Catalog; c != nil && c.casts[function] {
		j.foreignCode(Execute, "casts and checks of type "+function)
	}
	if !j.isFunction(function) {
		return
	}
	call := &node{tag: "FuncCall", loc: loc, fields: []field{{name: "funcname", kids: []*node{name}}}}
	if arg != nil {
		call.fields = append(call.fields, field{name: "args", kids: []*node{arg}})
	}
	j.call(call)
}

// isFunction says whether a name without a schema can mean a function. Without a catalog names that only read are left
// alone: too many fields are called name, date or length.
func (j *judge) isFunction(name string) bool {
	c, reviewed := j.env.Catalog, reviewedFunctions()[name]
	if c == nil {
		return reviewed != "" && reviewed != Read || name == "set_config"
	}
	return reviewed != "" || name == "set_config" || c.builtin[name] || j.names.foreign(c.functions[name], "")
}

// column judges a column reference: alias.name calls a function as (alias).name does.
func (j *judge) column(n *node, sc *scope) {
	fields := n.list("fields")
	if parts, plain := stringsOf(fields); plain && len(parts) > 1 && !sc.surelyColumn(parts) {
		j.attribute(n.loc, fields[len(fields)-1], nil)
	}
	if j.masks {
		j.maskedColumn(n, sc)
		if j.blurs {
			j.blur(n, sc)
		}
		j.refuseRowPlace(n, sc)
	}
}

// surelyColumn says that a qualified reference can mean nothing but a column: its table is the only one of that name at
// any level. Were there two, an aliased join might hide the inner one.
func (s *scope) surelyColumn(parts []string) bool {
	var only *item
	for ; s != nil; s = s.outer {
		for _, it := range s.items {
			if it.name != parts[len(parts)-2] {
				continue
			}
			if only != nil {
				return false
			}
			only = it
		}
	}
	return only != nil && (has(only.columns, parts[len(parts)-1]) || has(only.outputs, parts[len(parts)-1]))
}

// outputs are the names of a subquery's columns, nil where they can't be told from its text.
func outputs(query, alias *node) []string {
	for query.child("larg") != nil {
		query = query.child("larg")
	}
	out, _ := stringsOf(alias.list("colnames"))
	for i, t := range query.list("target_list") {
		name := t.text("name")
		if parts, star := reference(t.child("val")); name == "" && t.child("val").is("ColumnRef") {
			if star {
				return nil
			}
			name = parts[len(parts)-1]
		}
		if i >= len(out) {
			out = append(out, name)
		}
	}
	return out
}
