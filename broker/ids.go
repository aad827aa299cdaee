package broker

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// idLetters leaves out those that look alike: ids are read aloud and typed.
const idLetters = "abcdefghjkmnpqrstuvwxyz23456789"

// newID returns a prefix and ten random letters: 49 bits, and whoever guesses one still needs the right to see it.
func newID(prefix string) string {
	var sb strings.Builder
	sb.WriteString(prefix)
	for sb.Len() < len(prefix)+10 {
		var random [16]byte
		_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the process instead
		for _, r := range random {
			// Values over the largest multiple would make some letters likelier.
			if n := 256 - 256%len(idLetters); int(r) < n && sb.Len() < len(prefix)+10 {
				sb.WriteByte(idLetters[int(r)%len(idLetters)])
			}
		}
	}
	return sb.String()
}

// newToken returns an opaque token of 32 random bytes, with a prefix that scanners for
// leaked secrets can look for, and the hash that it is stored as.
func newToken(prefix string) (string, [32]byte) {
	var random [32]byte
	_, _ = rand.Read(random[:])
	token := prefix + base64.RawURLEncoding.EncodeToString(random[:])
	return token, sha256.Sum256([]byte(token))
}
