package postgres_test

import (
	"net"
	"runtime"
	"testing"

	"github.com/jackc/pgproto3/v2"
)

// idleSessions are how many sessions the memory of one is measured with, and idleBytes how much of heap and stacks it may
// be: 36 KiB were seen, the test's own side of the socket and a recording included.
const (
	idleSessions = 60
	idleBytes    = raceFactor * 48 << 10
)

// A session keeps no buffers while it waits for its client, also where a query with a large answer went before.
func TestAnIdleSessionKeepsLittleMemory(t *testing.T) {
	s := listen(t, allowAll)
	query := func(c net.Conn, text string) {
		if got := say(t, c, 1, &pgproto3.Query{String: text}); got[len(got)-2:] != "ZI" {
			t.Fatalf("%s: %s", text, got)
		}
	}
	open := func() {
		c := s.raw(t)
		query(c, "SELECT repeat('x', 300000)")
		query(c, "SELECT 1")
	}
	for range 5 {
		open() // what is made once is there before
	}
	before := memory()
	for range idleSessions {
		open()
	}
	each := (memory() - before) / idleSessions
	t.Logf("%d bytes for each idle session", each)
	if each > idleBytes {
		t.Errorf("an idle session keeps %d bytes, at most %d are allowed", each, idleBytes)
	}
}

// memory is the heap that is in use and the stacks, once garbage and what pools keep is gone.
func memory() int64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
