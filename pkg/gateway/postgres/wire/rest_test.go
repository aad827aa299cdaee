package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/jackc/pgproto3/v2"
)

var errNothing = errors.New("nothing to read now")

// drip gives a few bytes at a time, and nothing in between, as a socket in a loop does.
type drip struct {
	left   []byte
	random *rand.Rand
}

func (d *drip) Read(b []byte) (int, error) {
	if len(d.left) == 0 || d.random.Intn(2) == 0 {
		return 0, errNothing
	}
	n := copy(b, d.left[:min(len(d.left), 1+d.random.Intn(60_000))])
	d.left = d.left[n:]
	return n, nil
}

// Readers that share buffers, each with a conversation of its own, hand out what was said in their own: none sees a byte of
// another's, wherever each of them is interrupted.
func TestReadersThatShareBuffersDontMix(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	var shared wire.Buffers
	type side struct {
		reader    *wire.Reader
		src       *drip
		said, got []byte
	}
	var all []*side
	for i := range 8 {
		var said []byte
		for n := range 20 {
			said = append(said, join(
				&pgproto3.Query{String: fmt.Sprintf("SELECT %d, %d", i, n)},
				&pgproto3.CopyData{Data: bytes.Repeat([]byte{byte('a' + i)}, random.Intn(200_000))},
				&pgproto3.Query{String: string(bytes.Repeat([]byte{byte('A' + i)}, random.Intn(150_000)))})...)
		}
		src := &drip{left: said, random: random}
		all = append(all, &side{reader: shared.NewReader(src, wire.FromClient), src: src, said: said})
	}
	for left := len(all); left > 0; {
		x := all[random.Intn(len(all))]
		if len(x.got) == len(x.said) {
			continue
		}
		if err := x.reader.Fill(); err != nil && !errors.Is(err, errNothing) {
			t.Fatal(err)
		}
		for {
			m, ok, err := x.reader.Next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			x.got = append(x.got, m.Raw...)
		}
		if len(x.got) == len(x.said) {
			left--
		}
	}
	for i, x := range all {
		if !bytes.Equal(x.got, x.said) {
			t.Errorf("reader %d handed out what was not said to it", i)
		}
	}
}
