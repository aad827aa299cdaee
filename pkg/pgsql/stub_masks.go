package pgsql

type edit struct {
	start, end int
	text       string
}

func (j *judge) mask(n *node, it *item, found name, sample *node) {}
func (j *judge) maskCopy(n, rel *node, found name)                {}
func (j *judge) checkTarget(n *node, sc *scope, found name)       {}
func (j *judge) checkNames(sc *scope)                             {}
func (j *judge) groupByKey(sc *scope)                             {}
func (j *judge) blankSetOperation(n *node, sc *scope)             {}
func (j *judge) blankOperation(n *node, sc *scope)                {}
func (j *judge) blankInsert(n *node, sc *scope)                   {}
func (j *judge) maskedColumn(n *node, sc *scope)                  {}
func (j *judge) warnJoin(sc *scope, parts []string, natural bool) {}
func (a *analyzer) recordUnparsed() string                        { return "" }
func (a *analyzer) record() string                                { return a.text }
func (a *analyzer) rewrite()                                      {}
