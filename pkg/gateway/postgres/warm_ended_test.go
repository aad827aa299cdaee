package postgres

import (
	"log/slog"
	"sync"
	"testing"
)

// A session that was on its way when its grant ended leaves nothing for another one.
func TestAGrantThatHasEndedKeepsNothingForLateSessions(t *testing.T) {
	for name, late := range map[string]func(*warm){
		"one that was known":       func(w *warm) { w.begin("gr_1", class{}).end(); w.ended("gr_1") },
		"one that nobody knew yet": func(w *warm) { w.ended("gr_1") },
	} {
		var work sync.WaitGroup
		w := newWarm(slog.New(slog.DiscardHandler), &work)
		late(w)
		for range 2 {
			if l := w.begin("gr_1", class{}); !l.kin.ended {
				t.Errorf("%s: a late session's connection would be kept", name)
			}
		}
	}
}
