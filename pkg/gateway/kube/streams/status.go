package streams

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
)

// Status is how a command ended: what is understood, and passed on, of Kubernetes' meta/v1 Status.
type Status struct {
	Success bool
	Message string
	Reason  string  // "NonZeroExitCode", "InternalError", "Forbidden", …
	Code    int     // of HTTP's, 0: none
	Exit    *uint32 // the process' exit status, where it failed with one
}

// The words of Kubernetes.
const (
	nonZeroExit = "NonZeroExitCode"
	exitCause   = "ExitCode"
)

type (
	wireStatus struct {
		Metadata struct{}     `json:"metadata"`
		Status   string       `json:"status"`
		Message  string       `json:"message,omitempty"`
		Reason   string       `json:"reason,omitempty"`
		Details  *wireDetails `json:"details,omitempty"`
		Code     int          `json:"code,omitempty"`
	}
	wireDetails struct {
		Causes []wireCause `json:"causes,omitempty"`
	}
	wireCause struct {
		Reason  string `json:"reason,omitempty"`
		Message string `json:"message,omitempty"`
	}
)

// parseStatus reads a status that may not be whole yet. One that is none is an error.
func parseStatus(text []byte) (s Status, whole bool, err error) {
	var w wireStatus
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&w); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return Status{}, false, nil
		}
		return Status{}, false, fromCluster("what is no status in stream %s", status)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || w.Status != "Success" && w.Status != "Failure" {
		return Status{}, false, fromCluster("what is no status in stream %s", status)
	}
	s = Status{Success: w.Status == "Success", Message: w.Message, Reason: word(w.Reason), Code: w.Code}
	if s.Success || s.Reason != nonZeroExit || w.Details == nil {
		return s, true, nil
	}
	for _, c := range w.Details.Causes {
		if n, err := strconv.ParseUint(c.Message, 10, 32); err == nil && c.Reason == exitCause {
			exit := uint32(n)
			s.Exit = &exit
		}
	}
	return s, true, nil
}

// word is a reason of Kubernetes', which are words; "" for what is none.
func word(text string) string {
	for _, c := range text {
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return ""
		}
	}
	return text[:min(len(text), 64)]
}

// append appends the status as client-go reads it.
func (s Status) append(dst []byte) []byte {
	w := wireStatus{Status: "Failure", Message: s.Message, Reason: s.Reason, Code: s.Code}
	if s.Success {
		w.Status = "Success"
	}
	if s.Exit != nil {
		w.Details = &wireDetails{Causes: []wireCause{{exitCause, strconv.FormatUint(uint64(*s.Exit), 10)}}}
	}
	b, err := json.Marshal(w)
	if err != nil { // strings and numbers only: it can't fail, but no command may seem to have succeeded
		b = []byte(`{"metadata":{},"status":"Failure"}`)
	}
	return append(dst, b...)
}
