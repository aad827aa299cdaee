package streams

// The protocols that Plan.Protocol may name.
const (
	SPDY       = "SPDY/3.1"
	channelsV5 = "v5.channel.k8s.io"
	channelsV4 = "v4.channel.k8s.io"
	tunnel     = "SPDY/3.1+portforward.k8s.io" // SPDY in messages of WebSocket
)
