package localproxy

import (
	"errors"
	"io"
	"net"
	"sync"

	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// halfCloser is a connection of which one direction can end.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

const chunk = 64 << 10

// buffer comes from the pool. Its content is overwritten, never read, by the next user.
func (p *Proxy) buffer() *[chunk]byte {
	if buf, ok := p.pool.Get().(*[chunk]byte); ok {
		return buf
	}
	return new([chunk]byte)
}

// pump carries bytes both ways until both directions have ended. The end of one is passed on as such, an error
// ends both. seen is shown what comes back, before it is written.
func (p *Proxy) pump(local halfCloser, remote tunnel.Conn, seen func([]byte)) {
	var wg sync.WaitGroup
	wg.Go(func() { p.copy(remote, local, func([]byte) {}) })
	p.copy(local, remote, seen)
	wg.Wait()
}

// copy carries one direction: as much as there is in one read, then one write.
func (p *Proxy) copy(dst, src halfCloser, seen func([]byte)) {
	buf := p.buffer()
	defer p.pool.Put(buf)
	for {
		n, err := src.Read(buf[:])
		if n > 0 {
			seen(buf[:n])
			if _, werr := dst.Write(buf[:n]); werr != nil {
				break
			}
		}
		if errors.Is(err, io.EOF) {
			if dst.CloseWrite() == nil {
				return
			}
		}
		if err != nil {
			break
		}
	}
	tunnel.Abort(src)
	tunnel.Abort(dst)
}
