package record_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/hoop-gateway/hoop/pkg/record"
)

// noise is n bytes of which no two parts are alike.
func noise(n int) []byte {
	b := make([]byte, n)
	state := uint32(1)
	for i := range b {
		state = state*1664525 + 1013904223
		b[i] = byte(state >> 24)
	}
	return b
}

func hexOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// twoProcessors has a test run as on a machine where something can be hashed beside something else.
func twoProcessors(t testing.TB) {
	before := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(max(before, 2))
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// Whoever writes overwrites what was written at once, as the owners of buffers do.
func TestADigestIsThatOfTheWholeForEverySplit(t *testing.T) {
	twoProcessors(t)
	text := noise(2 << 20)
	rapid.Check(t, func(rt *rapid.T) {
		var d record.Digest
		pieces := rapid.SliceOfN(rapid.IntRange(0, 300<<10), 1, 30).Draw(rt, "pieces")
		lent := make([]byte, 300<<10)
		n := 0
		for _, size := range pieces {
			size = min(size, len(text)-n)
			d.Write(lent[:copy(lent, text[n:n+size])])
			clear(lent)
			if n += size; size%5 == 4 {
				if got, want := d.Hex(), hexOf(text[:n]); got != want {
					rt.Fatalf("after %d bytes it is %s, not %s", n, got, want)
				}
			}
		}
		if got, want := d.Hex(), hexOf(text[:n]); got != want {
			rt.Fatalf("in pieces of %v it is %s, not %s", pieces, got, want)
		}
	})
	var none record.Digest
	if got := none.Hex(); got != hexOf(nil) {
		t.Errorf("of nothing it is %s", got)
	}
}

// A goroutine that stayed would be an error of the bubble.
func TestADigestThatIsDroppedLeavesNothingBehind(t *testing.T) {
	twoProcessors(t)
	synctest.Test(t, func(t *testing.T) {
		var d record.Digest
		d.Write(noise(1 << 20))
	})
}

func TestAShortStreamIsHashedWithoutBuffers(t *testing.T) {
	twoProcessors(t)
	piece := noise(32 << 10)
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var d record.Digest
			for range 8 {
				d.Write(piece)
			}
		}
	}).AllocedBytesPerOp()
	if allocated > 1<<10 {
		t.Errorf("256 KiB take %d bytes of memory", allocated)
	}
}

func BenchmarkDigest(b *testing.B) {
	for _, size := range []int{4 << 10, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var d record.Digest
			piece := noise(size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				d.Write(piece)
			}
		})
	}
	b.Run("alone", func(b *testing.B) {
		sum, piece := sha256.New(), noise(64<<10)
		b.SetBytes(int64(len(piece)))
		for b.Loop() {
			sum.Write(piece)
		}
	})
}
