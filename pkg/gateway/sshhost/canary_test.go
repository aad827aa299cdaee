package sshhost_test

import (
	"io"
	"net"
	"sync/atomic"
	"testing"
)

// canary is a service of the host's, which counts who came and answers what it is told, from its end where it is half-closed.
type canary struct {
	net.Listener
	came atomic.Int64
}

func service(t testing.TB, network, address string) *canary {
	t.Helper()
	l, err := net.Listen(network, address)
	must(t, err)
	c := &canary{Listener: l}
	go func() { // ends with the listener
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.came.Add(1)
			go func() {
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			}()
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return c
}

func (c *canary) port() uint32 { return uint32(c.Addr().(*net.TCPAddr).Port) }

func (c *canary) place() string { return c.Addr().String() }
