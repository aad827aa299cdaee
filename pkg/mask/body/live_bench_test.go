package body_test

import (
	"bytes"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

// BenchmarkLive: what a command puts out, and a screen of it sign by sign.
func BenchmarkLive(b *testing.B) {
	secrets := body.NewSecrets("eyJhbGciOiJSUzI1NiIsImtpZCI6IjEyMyJ9.eyJpc3MiOiJrdWJlcm5ldGVzL3NlcnZpY2VhY2NvdW50In0.c2lnbmF0dXJlLW9mLWEtdG9rZW4")
	text := bytes.Repeat([]byte("2026-11-26T10:42:07Z level=info msg=\"request served\" path=/api/v1/orders status=200 took=12ms\n"), 350)[:32<<10]
	for name, size := range map[string]int{"pieces": 32 << 10, "lines": 96, "signs": 1} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			var out []byte
			l := secrets.Live()
			for b.Loop() {
				for i := 0; i < len(text); i += size {
					out = l.Write(out[:0], text[i:min(i+size, len(text))], false)
				}
			}
		})
	}
}
