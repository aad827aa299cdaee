package web

import (
	"container/list"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"sync"
)

// standInPrefix begins what a client gets in the place of a cookie's value.
const standInPrefix = "hoop_held_"

// What a jar holds at most. What was not used for the longest goes first, and the service then asks for another sign-in.
const (
	jarCookies = 4000
	jarBytes   = 1 << 20
)

// jar holds the values of cookies that a service has set in one grant. The client gets a stand-in for each, which says nothing and is good
// for nothing but to be sent back in the same grant: which cookie is sent when, and to whom of two programs it belongs, stays the
// client's to keep.
type jar struct {
	mu    sync.Mutex
	key   [32]byte
	all   map[string]*list.Element // of heldCookie, by stand-in
	order *list.List               // the last used first
	bytes int
}

// heldCookie is one value.
type heldCookie struct {
	standIn, name, value string
	scripts              bool // may read it
}

func newJar(key [32]byte) *jar {
	return &jar{key: key, all: map[string]*list.Element{}, order: list.New()}
}

// hold keeps a value and answers its stand-in, which is the same for the same value.
func (j *jar) hold(name, value string, scripts bool) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := heldCookie{j.standIn(name, value), name, value, scripts}
	if e, ok := j.all[c.standIn]; ok {
		e.Value = c
		j.order.MoveToFront(e)
		return c.standIn
	}
	j.all[c.standIn] = j.order.PushFront(c)
	j.bytes += len(name) + len(value)
	for j.order.Len() > jarCookies || j.bytes > jarBytes && j.order.Len() > 1 {
		last := j.order.Remove(j.order.Back()).(heldCookie)
		delete(j.all, last.standIn)
		j.bytes -= len(last.name) + len(last.value)
	}
	return c.standIn
}

// standIn is in letters alone: nothing that looks for numbers in texts finds one in it.
func (j *jar) standIn(name, value string) string {
	sum := hmac.New(sha256.New, j.key[:])
	sum.Write([]byte(name + "=" + value)) // no name has "="
	var text strings.Builder
	text.WriteString(standInPrefix)
	for _, b := range sum.Sum(nil)[:16] {
		text.WriteByte('a' + b>>4)
		text.WriteByte('a' + b&15)
	}
	return text.String()
}

// held is the cookie that a stand-in is for.
func (j *jar) held(standIn string) (heldCookie, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e, ok := j.all[standIn]
	if !ok {
		return heldCookie{}, false
	}
	j.order.MoveToFront(e)
	return e.Value.(heldCookie), true
}

// jars are those of grants. They have one key: a request that was approved is known again by its stand-ins in the next grant, once the
// service has set the same cookies there.
type jars struct {
	key    [32]byte
	mu     sync.Mutex
	grants map[string]*jar
}

func newJars() *jars {
	j := &jars{grants: map[string]*jar{}}
	_, _ = rand.Read(j.key[:]) // never fails
	return j
}

// of is the jar of a grant, for a session whose end ends ctx; nil: that has come. A grant's sessions are told of its end before the jars are, so
// that none is made behind it, which nobody would forget.
func (j *jars) of(ctx context.Context, grant string) *jar {
	j.mu.Lock()
	defer j.mu.Unlock()
	if ctx.Err() != nil {
		return nil
	}
	if j.grants[grant] == nil {
		j.grants[grant] = newJar(j.key)
	}
	return j.grants[grant]
}

// ended forgets a grant's.
func (j *jars) ended(grant string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.grants, grant)
}
