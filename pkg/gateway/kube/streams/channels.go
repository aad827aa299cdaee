package streams

// channels has WebSocket spoken on both sides.
func (c *carriage) channels(to *command, halfClose bool) {}

// tunnel has SPDY spoken in messages of WebSocket on both sides.
func (c *carriage) tunnel(what carried) {}
