//go:build !linux

package relay

// New is the engine of this system.
func New() *Engine { return Reference() }
