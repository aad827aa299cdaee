package exchange

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnAlarmRingsForWhatItWasSetToLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := alarm{after: 50 * time.Millisecond}
		began := time.Now()
		var mu sync.Mutex
		var rung []string
		ring := func(name string) func() {
			return func() {
				mu.Lock()
				defer mu.Unlock()
				rung = append(rung, name+" "+time.Since(began).String())
			}
		}
		at := func(d time.Duration) {
			time.Sleep(d - time.Since(began))
			synctest.Wait()
		}
		a.set(ring("first"))
		at(30 * time.Millisecond)
		if !a.stop() {
			t.Error("it can't be stopped before it rings")
		}
		a.set(ring("second")) // the timer of the first one runs
		at(75 * time.Millisecond)
		mu.Lock()
		if len(rung) > 0 {
			t.Errorf("it rang too early: %v", rung)
		}
		mu.Unlock()
		at(80 * time.Millisecond)
		if a.stop() {
			t.Error("it can be stopped once it rang")
		}
		a.set(ring("third"))
		at(300 * time.Millisecond)
		a.set(ring("fourth"))
		a.stop()
		at(400 * time.Millisecond) // nothing runs by now
		a.set(func() { ring("fifth")(); a.set(ring("sixth")) })
		at(time.Second)
		a.set(ring("seventh"))
		a.end()
		if a.timer.Stop() {
			t.Error("its timer runs on at the end")
		}
		a.set(ring("eighth"))
		at(2 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if want := []string{"second 80ms", "third 130ms", "fifth 450ms", "sixth 500ms", "eighth 1.05s"}; !slices.Equal(rung, want) {
			t.Errorf("it rang as %v, not %v", rung, want)
		}
	})
}
