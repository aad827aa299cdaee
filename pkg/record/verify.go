package record

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// State is what Verify found a recording to be. The zero State is Damaged.
type State uint8

// What a recording can be.
const (
	Damaged State = iota // altered, reordered, or not signed by a known key
	Whole                // good to its last checkpoint, but not sealed: cut, or still being written
	Sealed               // complete and good
)

// String is the word for people and JSON.
func (s State) String() string {
	switch s {
	case Sealed:
		return "sealed"
	case Whole:
		return "whole"
	default:
		return "damaged"
	}
}

// Report is what Verify found.
type Report struct {
	State    State
	BadFrame uint64 // the first frame that is bad or, in a Whole recording, not whole; 0: none, or the file header
	Why      string // in words, where State is not Sealed
	Header   Header
	Frames   uint64 // that were read and fit the chain
	// LastCheckpoint is the last frame whose signature vouches for all before it; 0: none.
	LastCheckpoint uint64
	Head           Head   // end of the chain
	Sealed         string // the reason in the seal
	KeyID          string // of the last good signature
}

// Verify reads a whole recording and says what it is: sealed, whole to a checkpoint but not sealed, or damaged, with
// the first bad frame. Heads are points of the chain that somebody witnessed: a recording that does not hold them is
// damaged even if its signatures are good. The error is one of reading r; whatever is wrong with the recording itself
// stands in the Report.
//
// Where a signature does not fit frames that are chained well, someone chained them anew without the key, and the
// first bad frame is the one after the last good checkpoint: nothing tells which of them was altered.
func Verify(r io.Reader, keys Keys, witnessed ...Head) (Report, error) {
	v := verifier{keys: keys, witnessed: witnessed}
	d, err := NewReader(r)
	if err != nil {
		return v.stop(err)
	}
	v.report.Header = d.header
	for {
		before := v.report.Head.Hash
		e, err := d.Next()
		if err != nil {
			return v.stop(err)
		}
		if problem := v.frame(e, before); problem != nil {
			return v.stop(problem)
		}
	}
}

type verifier struct {
	report    Report
	keys      Keys
	witnessed []Head
	sealed    bool
}

// frame takes one frame that fits the chain.
func (v *verifier) frame(e Event, before [32]byte) error {
	if v.sealed {
		return &DamageError{Frame: e.Seq, Why: "it stands after the seal"}
	}
	if e.Type == TypeCheckpoint || e.Type == TypeSeal {
		if err := v.signature(e, before); err != nil {
			return err
		}
		v.report.LastCheckpoint = e.Seq
	}
	for _, h := range v.witnessed {
		if h.Seq == e.Seq && h.Hash != e.Hash {
			return &DamageError{Frame: e.Seq, Why: fmt.Sprintf("frame %d is not the one that was witnessed", e.Seq)}
		}
	}
	v.report.Frames++
	v.report.Head = Head{Seq: e.Seq, Hash: e.Hash, Time: e.Time}
	return nil
}

func (v *verifier) signature(e Event, before [32]byte) error {
	if len(e.Body) < signatureSize {
		return &DamageError{Frame: e.Seq, Why: "its signature is too short"}
	}
	id := hex.EncodeToString(e.Body[:8])
	rest := e.Body[signatureSize:]
	key, known := v.keys.Lookup(id)
	if !known {
		return &DamageError{Frame: v.report.LastCheckpoint + 1, Why: fmt.Sprintf("frame %d is signed by the key %s, which is not among the known keys", e.Seq, id)}
	}
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, signedMessage(before, e.header(), rest), e.Body[8:signatureSize]) {
		return &DamageError{Frame: v.report.LastCheckpoint + 1, Why: fmt.Sprintf("the signature in frame %d does not fit: frames since the last good checkpoint were chained anew", e.Seq)}
	}
	v.report.KeyID = id
	if e.Type == TypeCheckpoint {
		if len(rest) != 0 {
			return &DamageError{Frame: e.Seq, Why: "a checkpoint holds more than its signature"}
		}
		return nil
	}
	var seal Seal
	if err := json.Unmarshal(rest, &seal); err != nil {
		return &DamageError{Frame: e.Seq, Why: "the seal is no JSON object of the right form"}
	}
	v.sealed = true
	v.report.Sealed = seal.Reason
	return nil
}

// stop turns the reason for which reading ended into the state.
func (v *verifier) stop(err error) (Report, error) {
	r := &v.report
	var damage *DamageError
	var torn *TornError
	switch {
	case errors.As(err, &damage):
		v.damaged(damage.Frame, damage.Why)
	case errors.As(err, &torn) && v.sealed:
		v.damaged(torn.Frame, "there are bytes after the seal")
	case errors.As(err, &torn):
		r.State, r.BadFrame, r.Why = Whole, torn.Frame, fmt.Sprintf("not sealed: it ends inside frame %d", torn.Frame)
	case errors.Is(err, io.EOF) && v.sealed:
		r.State = Sealed
	case errors.Is(err, io.EOF):
		r.State, r.Why = Whole, fmt.Sprintf("not sealed: it ends after frame %d", r.Frames)
	default:
		v.damaged(r.Frames+1, "it could not be read")
		return *r, err
	}
	if r.State == Whole && r.LastCheckpoint == 0 {
		v.damaged(r.Frames+1, "it ends before its first signed checkpoint")
	}
	if r.State != Damaged {
		v.witnesses()
	}
	return *r, nil
}

// witnesses looks for witnessed frames that the recording is too short to hold.
func (v *verifier) witnesses() {
	for _, h := range v.witnessed {
		if h.Seq > v.report.Head.Seq {
			v.damaged(v.report.Head.Seq+1, fmt.Sprintf("frame %d was witnessed, but the recording ends after frame %d", h.Seq, v.report.Head.Seq))
			return
		}
	}
}

func (v *verifier) damaged(frame uint64, why string) {
	v.report.State, v.report.BadFrame, v.report.Why = Damaged, frame, why
}
