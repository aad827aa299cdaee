// Package freeport finds ports for the servers of tests.
package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
)

// What the kernel gives to sockets that connect, and to those that listen on port 0, lies above on most systems (Linux: from 32768). A port
// of that range may be another connection's by the time when a server that was told of it begins to listen.
const first, last = 12000, 32000

// Each process begins somewhere else, and goes on from there.
var (
	begin = rand.Int64N(last - first)
	asked atomic.Int64
)

// Next is a port of loopback that nobody listens on, of those that the kernel gives to nobody. No process gets one twice.
func Next() (int, error) {
	const tries = 100
	var errs []error
	for range tries {
		port := first + int((begin+asked.Add(1))%(last-first))
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
		errs = append(errs, err)
	}
	return 0, fmt.Errorf("find a free port: %w", errors.Join(errs...))
}
