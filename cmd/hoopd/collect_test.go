package main

import "testing"

func TestASmallHeapGrowsManyTimesAndALargeOneByHalf(t *testing.T) {
	for live, want := range map[uint64]int{0: 400, 2 << 20: 400, 4 << 20: 400, 8 << 20: 250, 32 << 20: 100, 320 << 20: 55, 4 << 30: 50} {
		if got := growth(live); got != want {
			t.Errorf("%d MiB may grow by %d percent, want %d", live>>20, got, want)
		}
	}
}

// Garbage is collected once nothing has happened for a while, and then not again: it is gone.
func TestAQuietServerCollectsOnce(t *testing.T) {
	c := collector{percent: mostGrowth}
	steps := []struct {
		heap
		percent int
		collect bool
	}{
		{heap{live: 4 << 20, now: 5 << 20, allocated: 10 << 20}, 0, false},
		{heap{live: 4 << 20, now: 20 << 20, allocated: 30 << 20}, 0, false}, // busy
		{heap{live: 4 << 20, now: 20 << 20, allocated: 30 << 20}, 0, false},
		{heap{live: 4 << 20, now: 20 << 20, allocated: 30 << 20}, 0, false},
		{heap{live: 4 << 20, now: 20 << 20, allocated: 30 << 20}, 0, true},
		{heap{live: 16 << 20, now: 17 << 20, allocated: 30 << 20}, 150, false}, // it was not garbage
		{heap{live: 16 << 20, now: 17 << 20, allocated: 30 << 20}, 0, false},
		{heap{live: 16 << 20, now: 17 << 20, allocated: 30 << 20}, 0, false},
		{heap{live: 16 << 20, now: 17 << 20, allocated: 30 << 20}, 0, false},
		{heap{live: 16 << 20, now: 25 << 20, allocated: 38 << 20}, 0, false}, // busy again
		{heap{live: 16 << 20, now: 25 << 20, allocated: 38 << 20}, 0, false},
		{heap{live: 16 << 20, now: 26 << 20, allocated: 39 << 20}, 0, false},
		{heap{live: 16 << 20, now: 27 << 20, allocated: 40 << 20}, 0, true},
	}
	for i, s := range steps {
		if percent, collect := c.look(s.heap); percent != s.percent || collect != s.collect {
			t.Errorf("look %d: %d percent, collect %v; want %d, %v", i, percent, collect, s.percent, s.collect)
		}
	}
}
