package pgsql

// withThrough adds what lies beneath the relations of a list of accesses. A view reads what it is made of, and is written
// through; children of a parent hold its rows, and a child's rows are its parents'.
func (c *Catalog) withThrough(list []Access) []Access {
	if c == nil {
		return list
	}
	all := make(map[Access]struct{}, len(list))
	for _, a := range list {
		if a.Through {
			all[a] = struct{}{}
		}
	}
	for _, a := range list {
		if a.Object == "" || a.Through || a.Effect == Execute {
			continue
		}
		for _, r := range c.byObject[a.Object] {
			c.addThrough(all, a.Effect, r)
		}
	}
	for _, a := range list {
		if !a.Through { // what a statement names needs no second reason
			delete(all, Access{Effect: a.Effect, Object: a.Object, Through: true})
			all[a] = struct{}{}
		}
	}
	return sortedAccesses(all)
}

func (c *Catalog) addThrough(all map[Access]struct{}, effect string, r *Relation) {
	near := c.reach()
	near.family(r)
	for oid := range near.seen {
		c.addReached(all, effect, oid)
	}
	switch {
	case effect == Write || effect == Delete || effect == Read:
	case effect == Schema && r.Kind == 'm': // made or refreshed, it reads
		effect = Read
	default:
		return
	}
	for _, code := range c.readingCode(r) {
		all[Access{Effect: code.Effect, Object: code.Function, Through: true}] = struct{}{}
	}
	far := c.reach()
	far.below(r)
	for oid := range far.seen {
		c.addReached(all, effect, oid)
		c.addReached(all, Read, oid)
	}
}

func (c *Catalog) addReached(all map[Access]struct{}, effect string, oid uint32) {
	if r := c.Relations[oid]; r != nil {
		all[Access{Effect: effect, Object: r.Qualified(), Through: true}] = struct{}{}
	}
	if system := c.systemOIDs[oid]; system != "" {
		all[Access{Effect: systemEffect(system), Object: system, Through: true}] = struct{}{}
	}
}

// systemEffect is the reviewed effect of reading a system relation.
func systemEffect(object string) string {
	if effect := systemRelations()[object]; effect != "" {
		return effect
	}
	return Admin
}

// reached collects relations. It follows each but once in each way: down to what holds its rows, up to what its rows are also of.
type reached struct {
	catalog        *Catalog
	seen, down, up map[uint32]bool
}

func (c *Catalog) reach() reached {
	return reached{catalog: c, seen: map[uint32]bool{}, down: map[uint32]bool{}, up: map[uint32]bool{}}
}

// below collects what a view reads, at whatever depth, with the families of all that.
func (r reached) below(view *Relation) {
	for _, oid := range view.Reads {
		r.seen[oid] = true
		if base := r.catalog.Relations[oid]; base != nil && !r.down[oid] {
			r.family(base)
			r.below(base)
		}
	}
}

// family collects the children of a relation, and the parents of those and its own.
func (r reached) family(of *Relation) {
	r.down[of.OID] = true
	r.parents(of)
	for _, oid := range r.catalog.children[of.OID] {
		r.seen[oid] = true
		if child := r.catalog.Relations[oid]; child != nil && !r.down[oid] {
			r.family(child)
		}
	}
}

func (r reached) parents(of *Relation) {
	if r.up[of.OID] {
		return
	}
	r.up[of.OID] = true
	for _, oid := range of.Parents {
		r.seen[oid] = true
		if parent := r.catalog.Relations[oid]; parent != nil {
			r.parents(parent)
		}
	}
}
