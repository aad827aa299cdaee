package localproxy

import (
	"crypto/rand"
	"fmt"
	"log/slog"
)

// Secret is a local password. However it is printed it reads REDACTED; Reveal gives it to who must have it.
type Secret struct{ text string }

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return s.text }

const redacted = "REDACTED"

// String hides the secret.
func (Secret) String() string { return redacted }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return redacted }

// Format hides the secret from every verb of fmt.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText hides the secret from encoders, JSON among them.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue hides the secret from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// secretLength is the number of base62 characters: 190 bits.
const secretLength = 32

// newSecret draws a password that needs no quoting anywhere.
func newSecret() (Secret, error) {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	out := make([]byte, 0, secretLength)
	for len(out) < secretLength {
		var b [64]byte
		if _, err := rand.Read(b[:]); err != nil {
			return Secret{}, fmt.Errorf("draw the local secret: %w", err)
		}
		for _, v := range b {
			// 248 is the largest multiple of 62 in a byte: without the cut the first characters would be likelier.
			if v < 248 && len(out) < secretLength {
				out = append(out, alphabet[v%62])
			}
		}
	}
	return Secret{string(out)}, nil
}
