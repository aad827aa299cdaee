package relay

// New is the engine of this system: a loop over all sockets, and the reference engine for what is no socket.
func New() *Engine {
	rest := Reference()
	l := &loop{}
	return &Engine{
		carry: func(link *Link) {
			if !l.carry(link) {
				rest.carry(link)
			}
		},
		end: func() { l.end(); rest.end() },
	}
}
