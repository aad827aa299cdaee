package relay_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// TLS says good-bye behind all that was written, also what the kernel had no room for when it was.
func TestAnEndUnderTLSIsPassedOnBehindAllThatWasWritten(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		e, local, remote := w.sockets(t)
		near, far := w.engine.Take(local, remote)
		defer near.Abort()
		sent, got, reads := make([]byte, 8<<20), make(chan error, 1), make(chan struct{})
		go func() {
			<-reads
			n, err := io.Copy(io.Discard, e.gateway)
			if err == nil && n != int64(len(sent)) {
				err = fmt.Errorf("%d bytes came", n)
			}
			got <- err
		}()
		if !far.InLoop() {
			close(reads) // Write waits for it
		}
		if _, err := far.Write(sent); err != nil {
			t.Fatal(err)
		}
		if far.InLoop() {
			time.AfterFunc(50*time.Millisecond, func() { close(reads) }) // CloseWrite waits for it
		}
		if err := far.CloseWrite(); err != nil {
			t.Error(err)
		}
		if far.Full() {
			t.Error("it was said before all had left")
		}
		far.Settle()
		far.Abort()
		if err := <-got; err != nil {
			t.Error(err)
		}
	})
}

func TestBytesArriveAsTheyWereSentAndEndsArePassedOn(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		const size = 8 << 20
		var all sync.WaitGroup
		for n := range int64(4) {
			e := w.link(t, nil)
			type halfCloser interface {
				net.Conn
				CloseWrite() error
			}
			way := func(from, to halfCloser, seed int64) {
				sent := make(chan [32]byte, 1)
				all.Go(func() {
					h, err := noise(from, seed, size)
					if err = errors.Join(err, from.CloseWrite()); err != nil {
						t.Error(err)
					}
					sent <- h
				})
				all.Go(func() {
					got, err := hashOf(to)
					if want := <-sent; err != nil || got != want {
						t.Errorf("link %d: what arrived is not what was sent, or did not end well: %v", n, err)
					}
				})
			}
			way(e.program.(*net.TCPConn), e.gateway, 2*n)
			way(e.gateway, e.program.(*net.TCPConn), 2*n+1)
		}
		all.Wait()
	})
}

func TestOneDirectionEndsAndTheOtherGoesOn(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		for _, first := range []string{"program", "gateway"} {
			e := w.link(t, nil)
			var near, far interface {
				net.Conn
				CloseWrite() error
			} = e.program.(*net.TCPConn), e.gateway
			if first == "gateway" {
				near, far = far, near
			}
			if _, err := near.Write([]byte("last words")); err != nil {
				t.Fatal(err)
			}
			if err := near.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if got := must(io.ReadAll(io.LimitReader(far, 100)))(t); string(got) != "last words" {
				t.Errorf("%q arrived", got)
			}
			for _, word := range []string{"one", "two"} {
				if _, err := far.Write([]byte(word)); err != nil {
					t.Fatal(err)
				}
				got := make([]byte, len(word))
				if _, err := io.ReadFull(near, got); err != nil || string(got) != word {
					t.Fatalf("%q came back: %v", got, err)
				}
			}
			if err := far.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if n, err := near.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("read %d: %v", n, err)
			}
			e.awaitDone(t)
		}
	})
}

func TestWhoeverIsCutCutsTheOther(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		for name, cut := range map[string]func(*ends) net.Conn{
			"the program is reset": func(e *ends) net.Conn {
				_ = e.program.(*net.TCPConn).SetLinger(0)
				_ = e.program.Close()
				return e.gateway
			},
			"the gateway is killed": func(e *ends) net.Conn { tunnel.Abort(e.gateway); return e.program },
		} {
			e := w.link(t, nil)
			other := cut(e)
			if _, err := other.Read(make([]byte, 1)); err == nil || errors.Is(err, errTimeout(err)) {
				t.Errorf("%s: %v", name, err)
			}
			tunnel.Abort(other) // as whoever reads that does
			e.awaitDone(t)
		}
		e := w.link(t, nil)
		w.engine.End()
		if _, err := e.program.Read(make([]byte, 1)); err == nil || errors.Is(err, errTimeout(err)) {
			t.Errorf("all links end: %v", err)
		}
		e.awaitDone(t)
		late := w.link(t, nil)
		late.awaitDone(t)
	})
}

// errTimeout answers err where it says that nothing came in time.
func errTimeout(err error) error {
	var n net.Error
	if errors.As(err, &n) && n.Timeout() {
		return err
	}
	return nil
}

func TestWhatAGatewayWroteBeforeItDiedArrives(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		e := w.link(t, nil)
		const size = 512 << 10
		sent := bytes.Repeat([]byte("farewell"), size/8)
		if _, err := e.gateway.Write(sent); err != nil {
			t.Fatal(err)
		}
		if err := e.gateway.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got := must(io.ReadAll(e.program))(t); !bytes.Equal(got, sent) {
			t.Errorf("%d bytes of %d arrived", len(got), len(sent))
		}
	})
}

func TestASideThatIsNotReadStopsTheOtherAndNoOtherLink(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		for _, side := range []string{"program", "gateway"} {
			slow, quick := w.link(t, nil), w.link(t, nil)
			writer, reader := net.Conn(slow.program), net.Conn(slow.gateway)
			if side == "gateway" {
				writer, reader = reader, writer
			}
			// More than all buffers on the way can take.
			block := make([]byte, 1<<20)
			if err := writer.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			written := 0
			for range 64 {
				n, err := writer.Write(block)
				written += n
				if err != nil {
					if errTimeout(err) == nil {
						t.Fatal(err)
					}
					break
				}
			}
			if written == 64<<20 {
				t.Error("nothing stopped a writer that nobody reads")
			}
			if _, err := quick.program.Write([]byte("ping")); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 4)
			if _, err := io.ReadFull(quick.gateway, got); err != nil || string(got) != "ping" {
				t.Fatalf("another link got %q: %v", got, err)
			}
			if side == "program" { // a tunnel whose write was cut short is no TLS any more
				if n, err := io.CopyN(io.Discard, reader, int64(written)); err != nil {
					t.Errorf("%d of %d bytes arrived: %v", n, written, err)
				}
			}
		}
	})
}

func TestWhoLooksOnSeesAllThatComesBackUntilItHasSeenEnough(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		var mu sync.Mutex
		var seen bytes.Buffer
		e := w.link(t, func(b []byte) bool {
			mu.Lock()
			defer mu.Unlock()
			if seen.Len() >= 100 {
				t.Error("asked again after enough was seen")
			}
			seen.Write(b)
			return seen.Len() < 100
		})
		if _, err := e.program.Write([]byte("not this")); err != nil {
			t.Fatal(err)
		}
		sent := bytes.Repeat([]byte("0123456789"), 30)
		for i := 0; i < len(sent); i += 10 {
			if _, err := e.gateway.Write(sent[i : i+10]); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(e.program, make([]byte, 10)); err != nil {
				t.Fatal(err)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if !bytes.Equal(seen.Bytes(), sent[:seen.Len()]) || seen.Len() < 100 {
			t.Errorf("seen: %q", seen.Bytes())
		}
	})
}

func BenchmarkRoundTrip(b *testing.B) {
	for name, engine := range engines {
		b.Run(name, func(b *testing.B) {
			e := open(b, engine()).link(b, nil)
			_, _ = e.program.SetDeadline(time.Time{}), e.gateway.SetDeadline(time.Time{})
			go func() { _, _ = io.Copy(e.gateway, e.gateway) }()
			word := make([]byte, 100)
			for b.Loop() {
				if _, err := e.program.Write(word); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(e.program, word); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
