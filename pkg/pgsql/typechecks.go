package pgsql

import (
	"slices"
	"strings"
)

// Types may run code of somebody's own by themselves: domains whose checks call it, what is made of such domains, and types that are cast
// by it unasked. Where a statement writes such a type, its text says so. It need not: a parameter may be declared to be of one, and what
// stands beside a column of such a type, or beside an array or a row with one in it, may become one.

// What Code.By begins with of a domain's check, and of a cast that is made unasked.
const (
	domainCheck = "domain check "
	columnCast  = "cast of column "
)

// Checked names the first of some types whose values run code of somebody's own when they are read, "" where there is none.
func (c *Catalog) Checked(types []uint32) string {
	for _, oid := range types {
		if name := c.checks[oid]; name != "" {
			return name
		}
	}
	return ""
}

// refuseChecked refuses, where masks are in force, what uses a relation with such columns, itself or through views, unless the masks
// trust the function.
func (j *judge) refuseChecked(n *node, r *Relation) {
	if !j.masks || r == nil || len(j.env.Catalog.checks) == 0 {
		return
	}
	checks := func(at *Relation, code Code) bool {
		return strings.HasPrefix(code.By, columnCast) || strings.HasPrefix(code.By, domainCheck) && slices.ContainsFunc(at.Columns, func(c Column) bool { return j.env.Catalog.checks[c.typ] != "" })
	}
	for _, code := range j.env.Catalog.codeBeneath(r, checks) {
		if !j.env.Masks.trusts(code) {
			j.refuseAt(n, Problem{
				SQLState: "42501", Rule: "mask", Message: "a value of a type of " + r.Qualified() + " runs " + code.Function + " (" + code.By + "), and what it reads can't be seen from here, where columns are masked for you",
				Hint: "Ask somebody for whom nothing is masked; or who keeps the policy lists " + code.Function + " under `trusts` of the masks.",
			})
		}
	}
}
