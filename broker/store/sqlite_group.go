package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// group commits together what comes together. Each commit waits for the disk, and those who come meanwhile are one
// transaction after it: each of them still learns that it is on the disk before it goes on. Where anything in such a
// transaction fails, nothing of it is kept, and its members are run again one by one.
type group struct {
	line *line

	mu      sync.Mutex
	waiting []*member
	patient []*member // who may wait for others to come
	led     bool      // somebody runs members
}

// member is one call of Update.
type member struct {
	ctx  context.Context // of the call, which waits for the member
	fn   func(Tx) error
	turn chan bool // answered once: true, to lead; false, when it was run
	err  error
	fell any // what fn panicked with
}

// patience is how long a member waits for others whose call is UpdateSoon.
const patience = 25 * time.Millisecond

// maxGroup bounds a transaction, and with it what is run again for the failure of one.
const maxGroup = 32

// update runs fn, alone or in the company of others.
func (g *group) update(ctx context.Context, fn func(Tx) error) error {
	m := &member{ctx: ctx, fn: fn, turn: make(chan bool, 1)}
	if !g.join(m) {
		g.lead()
	}
	return m.end()
}

// updateSoon runs fn in the company of who comes next, or by itself when nobody has come for a while.
func (g *group) updateSoon(ctx context.Context, fn func(Tx) error) error {
	m := &member{ctx: ctx, fn: fn, turn: make(chan bool, 1)}
	g.mu.Lock()
	g.patient = append(g.patient, m)
	g.mu.Unlock()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-m.turn:
		return m.end()
	case <-late.C:
	}
	if !g.hurry(m) {
		<-m.turn // somebody runs it
	} else if !g.join(m) {
		g.lead()
	}
	return m.end()
}

// hurry takes m from those who are patient, and answers whether it was among them.
func (g *group) hurry(m *member) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := slices.Index(g.patient, m)
	if at < 0 {
		return false
	}
	g.patient = slices.Delete(g.patient, at, at+1)
	return true
}

// end is what the caller of a member that was run gets.
func (m *member) end() error {
	if m.fell != nil {
		panic(m.fell)
	}
	return m.err
}

// join adds m to those who wait. It answers true when m was run, and false when m is the first and has to lead.
func (g *group) join(m *member) (ran bool) {
	g.mu.Lock()
	g.waiting = append(g.waiting, m)
	first := !g.led
	g.led = true
	g.mu.Unlock()
	if first {
		return false
	}
	return !<-m.turn
}

// lead runs those who wait now, the caller among them and the patient ones behind, and hands over to the first of those who
// came meanwhile.
func (g *group) lead() {
	g.mu.Lock()
	n := min(len(g.waiting), maxGroup)
	k := min(len(g.patient), maxGroup-n)
	members := slices.Concat(g.waiting[:n], g.patient[:k])
	g.waiting, g.patient = g.waiting[n:], slices.Delete(g.patient, 0, k)
	g.mu.Unlock()
	g.run(members)
	for _, m := range members[1:] {
		m.turn <- false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.led = len(g.waiting) > 0; g.led {
		g.waiting[0].turn <- true
	}
}

// run brings every member to its end.
func (g *group) run(members []*member) {
	live := make([]*member, 0, len(members))
	for _, m := range members {
		if m.err = m.ended(); m.err == nil {
			live = append(live, m)
		}
	}
	if len(live) > 1 && g.together(live) {
		return
	}
	for _, m := range live {
		g.alone(m)
	}
}

// together runs members in one transaction. It answers false where one of them failed, and nothing was kept. Where the store
// itself does not begin or commit, none of them need try again.
func (g *group) together(members []*member) bool {
	err := g.line.begin(beginWrite)
	for _, m := range members {
		if err != nil {
			break
		}
		if m.run(g.line); m.err != nil || m.fell != nil {
			g.line.rollback()
			return false
		}
	}
	if err == nil {
		err = g.line.commit()
	}
	for _, m := range members {
		m.err = err
	}
	return true
}

// alone runs a member in a transaction of its own.
func (g *group) alone(m *member) {
	if m.err = g.line.begin(beginWrite); m.err != nil {
		return
	}
	if m.run(g.line); m.err != nil || m.fell != nil {
		g.line.rollback()
		return
	}
	m.err = g.line.commit()
}

// run calls fn within a transaction. What the store failed in fails the member, whatever fn makes of it.
func (m *member) run(l *line) {
	defer func() { m.fell = recover() }()
	tx := &sqliteTx{ctx: m.ctx, line: l}
	m.err = m.fn(tx)
	if m.err == nil {
		m.err = tx.failed
	}
	if m.err == nil {
		m.err = m.ended()
	}
}

func (m *member) ended() error {
	if err := m.ctx.Err(); err != nil {
		return fmt.Errorf("write: %w: %w", ErrUnavailable, err)
	}
	return nil
}

// close waits for who writes, and ends the connection. Who comes later learns that there is none.
func (g *group) close() error {
	m := &member{ctx: context.Background(), fn: func(Tx) error { return nil }, turn: make(chan bool, 1)}
	for g.join(m) {
		continue
	}
	err := errors.Join(g.line.close(false), g.line.db.Close())
	g.lead()
	return err
}
