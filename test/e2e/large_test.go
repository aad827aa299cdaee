package e2e

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgproto3/v2"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hoop-gateway/hoop/test/procmem"
)

// What a program may take in memory for a result of whatever size, in bytes. Detectors gather a row of up to 16 MiB before it
// is too long for them, in a buffer that grows.
const (
	grows       = 64 << 20
	growsToLook = 6 * 16 << 20
)

// TestAResultOfAnySizePassesAtFlatMemory passes LARGE MiB (256 where it is not set) of rows, and as much of COPY, to one for
// whom a column of them is masked.
func TestAResultOfAnySizePassesAtFlatMemory(t *testing.T) {
	passLarge(t, shared, megabytes("LARGE", 256)<<20)
}

// TestAResultRecordedInFullPassesAtFlatMemory is the same with LARGE_RECORDED MiB (64 where it is not set), of which every
// row is recorded.
func TestAResultRecordedInFullPassesAtFlatMemory(t *testing.T) {
	w := ownWorld(t)
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	config := strings.Replace(w.config(), "{results: 1MiB}", "{results: full}", 1)
	if err := os.WriteFile(filepath.Join(w.dir, "hoopd.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	w.restart(t)
	passLarge(t, w, megabytes("LARGE_RECORDED", 64)<<20)
}

// TestAFieldOfAnySizePassesAtFlatMemory passes one value of LARGE_FIELD bytes (64 MiB where it is not set; PostgreSQL itself
// can't send more than about 1,073,741,000), and wants it refused in clear words where detectors would have to look at it.
func TestAFieldOfAnySizePassesAtFlatMemory(t *testing.T) {
	size := megabytes("LARGE_FIELD", 64<<20)
	text := fmt.Sprintf("SELECT repeat('x', %d)", size)
	w := ownWorld(t)
	l := w.user(t, "agent").open(t, "db-prod")
	watched := w.watch(t, l)
	rows, bytes, complaint := l.count(t, text)
	if rows != 1 || bytes < size || complaint != "" {
		t.Fatalf("%d rows of %d bytes, %s", rows, bytes, complaint)
	}
	watched.flat(t, grows)

	policy, err := policyText("")
	if err != nil {
		t.Fatal(err)
	}
	w.setPolicy(t, strings.Replace(policy, "masks:\n", "masks:\n  - {name: leaks, detect: [email], as: redact}\n", 1))
	agent := w.user(t, "agent")
	eventually(t, commandTime, "detectors look", func() bool {
		return strings.Contains(agent.run(t, "can", "db-prod").stdout, "detected:    email")
	})
	rows, bytes, complaint = l.count(t, text)
	if rows != 0 || bytes > 1<<20 || !strings.Contains(complaint, "54000") || !strings.Contains(complaint, "longer than 16 MiB") {
		t.Errorf("where detectors look: %d rows of %d bytes, %s", rows, bytes, complaint)
	}
	watched.flat(t, growsToLook)
}

func megabytes(name string, otherwise int64) int64 {
	if n, err := strconv.ParseInt(os.Getenv(name), 10, 64); err == nil && n > 0 {
		return n
	}
	return otherwise
}

func passLarge(t *testing.T, w *world, size int64) {
	t.Helper()
	l := w.user(t, "agent").open(t, "db-prod")
	watched := w.watch(t, l)
	want := size / 1000
	query := fmt.Sprintf("SELECT ssn, repeat('x', 1000) FROM users, generate_series(1, %d) LIMIT %[1]d", want)
	for _, text := range []string{query, "COPY (" + query + ") TO STDOUT"} {
		began := time.Now()
		rows, bytes, complaint := l.count(t, text)
		if rows != want || bytes < size || complaint != "" {
			t.Errorf("%s: %d rows of %d bytes, %s", text, rows, bytes, complaint)
		}
		t.Logf("%d MiB in %v", bytes>>20, time.Since(began).Round(10*time.Millisecond))
		watched.flat(t, grows)
	}
}

// watched are programs and the memory that each had before.
type watched map[string]struct{ pid, before int }

// watch begins to watch hoopd's and hoop's memory.
func (w *world) watch(t *testing.T, l *listener) watched {
	t.Helper()
	closeSoon(l.dial(t).PgConn) // what every session takes is taken
	all := watched{}
	for name, pid := range map[string]int{"hoopd": w.cmd.Process.Pid, "hoop": l.cmd.Process.Pid} {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil { // the peak counts from here
			t.Fatal(err)
		}
		all[name] = struct{ pid, before int }{pid, memory(t, pid, "VmRSS")}
	}
	return all
}

// flat says how much the programs took at their peak, and wants it to be little.
func (all watched) flat(t *testing.T, most int) {
	t.Helper()
	for name, p := range all {
		peak := memory(t, p.pid, "VmHWM")
		t.Logf("%s: %d MiB, at its peak %d", name, p.before>>20, peak>>20)
		if peak-p.before > most {
			t.Errorf("%s took %d MiB more", name, (peak-p.before)>>20)
		}
	}
}

// memory reads what the kernel counts for a process, in bytes.
func memory(t *testing.T, pid int, what string) int {
	t.Helper()
	n, err := procmem.KiB(pid, "status", what)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// count runs a text on a connection of its own and keeps nothing of what it is sent: it answers the number of rows, their
// bytes, and the first error.
func (l *listener) count(t *testing.T, text string) (rows, bytes int64, complaint string) {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), l.url)
	if err != nil {
		t.Fatal(err)
	}
	h, err := conn.Hijack()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Conn.Close()
	if err := h.Conn.SetDeadline(time.Now().Add(20 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	query, err := (&pgproto3.Query{String: text}).Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Conn.Write(query); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReaderSize(h.Conn, 1<<16)
	for header := make([]byte, 5); ; {
		if _, err := io.ReadFull(r, header); err != nil {
			return rows, bytes, complaint + " the connection ended"
		}
		length := int64(binary.BigEndian.Uint32(header[1:])) - 4
		switch header[0] {
		case 'D', 'd':
			rows++
			bytes += length
		case 'E':
			body := make([]byte, min(length, 8<<10))
			if _, err := io.ReadFull(r, body); err != nil {
				t.Fatal(err)
			}
			length -= int64(len(body))
			complaint += strings.ReplaceAll(string(body), "\x00", " ")
		}
		if _, err := io.CopyN(io.Discard, r, length); err != nil {
			return rows, bytes, complaint + " the connection ended within a message"
		}
		if header[0] == 'Z' {
			return rows, bytes, complaint
		}
	}
}
