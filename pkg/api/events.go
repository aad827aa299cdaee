package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	maxEventLine = 8 << 20
	silence      = 30 * time.Second // three missed heartbeats
	firstPause   = 200 * time.Millisecond
	longestPause = 10 * time.Second
)

// Events yields the events of a grant after the sequence number after, until the closed
// event, which is the last. A stream that breaks is taken up again where it broke, for as
// long as ctx lasts; an error is yielded, last, only where trying again can't help.
func (c *Client) Events(ctx context.Context, grantID string, after int64) iter.Seq2[GrantEvent, error] {
	return func(yield func(GrantEvent, error) bool) {
		pause := firstPause
		for ctx.Err() == nil {
			next, done, err := c.stream(ctx, grantID, after, yield)
			if done {
				return
			}
			if final(err) {
				yield(GrantEvent{}, err)
				return
			}
			if next > after {
				after, pause = next, firstPause
			}
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			pause = min(2*pause, longestPause)
		}
		yield(GrantEvent{}, ctx.Err())
	}
}

// final says whether the same call can't succeed later.
func final(err error) bool {
	var e *Error
	return errors.As(err, &e) && !e.Retryable && e.Status >= 400 && e.Status < 500
}

// stream reads one connection's events. done means that no more are wanted or will come.
func (c *Client) stream(ctx context.Context, grantID string, after int64, yield func(GrantEvent, error) bool) (last int64, done bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// A peer that is gone without a word sends no heartbeats.
	watchdog := time.AfterFunc(silence, cancel)
	defer watchdog.Stop()
	header := http.Header{"Accept": {"text/event-stream"}}
	if after > 0 {
		header.Set("Last-Event-ID", strconv.FormatInt(after, 10))
	}
	res, err := c.send(ctx, request{method: "GET", path: "/v1/grants/" + url.PathEscape(grantID) + "/events", header: header})
	if err != nil {
		return after, false, err
	}
	defer res.Body.Close()
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || kind != "text/event-stream" {
		return after, false, strange("The broker's answer is not a stream of events.")
	}
	lines := newLines(res.Body)
	for {
		e, err := nextEvent(lines, func() { watchdog.Reset(silence) })
		if err != nil {
			return after, false, err
		}
		if e.Seq <= after {
			continue // seen before the stream was taken up again
		}
		after = e.Seq
		if !yield(e, nil) || e.Type == EventClosed {
			return after, true, nil
		}
	}
}

func newLines(r io.Reader) *bufio.Scanner {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), maxEventLine)
	lines.Split(endedLines)
	return lines
}

// endedLines are bufio.ScanLines without a last line that has no end: of a stream that was cut there, a lone CR would be
// the empty line that ends an event.
func endedLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if atEOF && bytes.IndexByte(data, '\n') < 0 {
		return len(data), nil, nil
	}
	return bufio.ScanLines(data, atEOF)
}

// nextEvent reads up to the end of one event (server-sent events, WHATWG HTML section
// 9.2). alive is called for every line, heartbeats too.
func nextEvent(lines *bufio.Scanner, alive func()) (GrantEvent, error) {
	var data []string
	for lines.Scan() {
		alive()
		line := lines.Text()
		if line == "" {
			if data == nil {
				continue
			}
			var e GrantEvent
			if err := json.Unmarshal([]byte(strings.Join(data, "\n")), &e); err != nil {
				return e, strange("The broker's event can't be read.")
			}
			return e, nil
		}
		if value, ok := strings.CutPrefix(line, "data:"); ok {
			data = append(data, strings.TrimPrefix(value, " "))
		}
	}
	if err := lines.Err(); err != nil {
		return GrantEvent{}, err
	}
	return GrantEvent{}, io.ErrUnexpectedEOF
}
