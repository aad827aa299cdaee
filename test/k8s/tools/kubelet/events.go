package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"
)

// event is a line of the log: a request that arrived, a command that is about to run or has ended, a port that is about to be dialled.
type event struct {
	Time      time.Time `json:"time"`
	Kind      string    `json:"kind"` // request, exec, attach, ended, portforward
	Method    string    `json:"method,omitempty"`
	URI       string    `json:"uri,omitempty"`
	Pod       string    `json:"pod,omitempty"` // namespace/name
	Container string    `json:"container,omitempty"`
	Argv      []string  `json:"argv,omitempty"`
	TTY       bool      `json:"tty,omitempty"`
	Port      int32     `json:"port,omitempty"`
	Error     string    `json:"error,omitempty"`
}

// events appends to the log. What can't be written there is not served, since tests take its absence for proof.
type events struct {
	mu sync.Mutex
	f  *os.File
}

func openEvents(path string) (*events, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the event log: %w", err)
	}
	return &events{f: f}, nil
}

func (e *events) write(v event) error {
	v.Time = time.Now().UTC()
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode an event: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, err := e.f.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write an event: %w", err)
	}
	return nil
}

// Close closes the log.
func (e *events) Close() error { return e.f.Close() }
