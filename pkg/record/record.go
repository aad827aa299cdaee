// Package record keeps append-only, hash-chained and signed recordings of sessions.
//
// A Writer appends frames to one file; each frame carries the SHA-256 of everything before it, and signed checkpoints
// vouch for the chain. Reader and Verify work offline, from the bytes and the public keys alone. The format is
// described in docs/reference/recording-format.md.
package record

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

// Limits of the format. A Reader never takes memory for more than these, whatever a file claims.
const (
	// MaxBody is the longest body of a frame, in bytes.
	MaxBody = 16 << 20
	// MaxBatch is the longest piece of result rows in one frame before compression, in bytes; longer ones are split.
	MaxBatch = 1 << 20
)

// Errors of a Writer. Test with errors.Is.
var (
	// ErrFailed is in every error of a Writer whose file could not be written or synced. It stays: nothing that is not
	// recorded may be forwarded, so the session must end.
	ErrFailed = errors.New("recording failed")
	// ErrSealed answers a call on a Writer after Seal.
	ErrSealed = errors.New("recording is sealed")
	// ErrTooLarge answers an Append of a body over MaxBody. The recording itself stays good.
	ErrTooLarge = errors.New("event is too large to be recorded")
	// ErrFull is the cause of an ErrFailed when Options.MaxBytes is reached.
	ErrFull = errors.New("recording reached its maximum size")
	// ErrInUse answers Recover for a file that a living Writer holds.
	ErrInUse = errors.New("recording is still being written")
)

// Head is a point of the chain: the number of a frame and the hash over everything up to it.
type Head struct {
	Seq  uint64
	Hash [32]byte
	Time time.Time
}

// Path names the file of a session below the root of a store: YYYY/MM/DD/<session>.hrec, in UTC. A session id that
// could leave its folder is an error.
func Path(session string, started time.Time) (string, error) {
	if session == "" || len(session) > 128 || strings.Trim(session, idCharacters) != "" || strings.HasPrefix(session, ".") {
		return "", fmt.Errorf("name recording: session id %q is not a plain name", session)
	}
	return path.Join(started.UTC().Format("2006/01/02"), session+".hrec"), nil
}

const idCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
