package kube

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

// Bounds of a field's name, of which more is taken for a hidden one.
const (
	mostSteps  = 24
	mostPlaces = 4   // numbers in brackets
	mostBefore = 100 // elements in front of one
)

// hides says whether masks of these places hide the value of a field as API servers name it: "spec.containers[0].image", "data[a.key]". A
// number in brackets may be an element's or a key, and counts as both. What can't be told counts as hidden.
func hides(all []body.Path, name string) bool {
	steps, ok := stepsOf(name)
	if !ok {
		return true
	}
	return slices.ContainsFunc(documents(steps, "shown"), func(document any) bool { return !unmasked(document, all) })
}

// fieldStep is one of a field's name: a key, or what stands in brackets.
type fieldStep struct {
	key   string
	place int // of an element; -1: it can be none
}

// stepsOf are those of a field's name; ok says that it is one.
func stepsOf(name string) (all []fieldStep, ok bool) {
	numbers := 0
	for rest := "." + name; rest != ""; {
		step := fieldStep{place: -1}
		switch rest[0] {
		case '.':
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			step.key, rest = rest[1:1+end], rest[1+end:]
		case '[':
			key, behind, closed := strings.Cut(rest[1:], "]")
			if !closed {
				return nil, false
			}
			if n, err := strconv.Atoi(key); err == nil && n >= 0 {
				step.place = n
				numbers++
			}
			step.key, rest = key, behind
		default:
			return nil, false
		}
		if all = append(all, step); step.key == "" || len(all) > mostSteps || numbers > mostPlaces || step.place > mostBefore {
			return nil, false
		}
	}
	return all, true
}

// documents have a value where a field's name leads, in each way that it can be meant.
func documents(steps []fieldStep, value any) (all []any) {
	if len(steps) == 0 {
		return []any{value}
	}
	for _, inside := range documents(steps[1:], value) {
		s := steps[0]
		all = append(all, object{{s.key, inside}})
		if s.place >= 0 {
			all = append(all, append(make([]any, s.place), inside))
		}
	}
	return all
}
