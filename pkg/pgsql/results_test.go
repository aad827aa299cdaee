package pgsql

import (
	"fmt"
	"testing"
)

func TestVariantsOfOneShapeDriveNoOtherOut(t *testing.T) {
	c := newShapeCache(40)
	other := shapeKey{shape: "other"}
	c.put(other, &shaped{})
	for i := range 100 {
		c.put(shapeKey{shape: "many"}, &shaped{counts: map[int]string{0: fmt.Sprint(i)}})
	}
	if n := len(c.young[shapeKey{shape: "many"}]); n != maxVariants {
		t.Errorf("%d variants are kept", n)
	}
	if _, ok := c.get(other, &scanned{}); !ok {
		t.Error("another shape was driven out")
	}
	for i := range 100 {
		c.put(shapeKey{shape: fmt.Sprint(i)}, &shaped{})
	}
	if _, ok := c.get(other, &scanned{}); ok || len(c.young)+len(c.old) > 40 {
		t.Errorf("%d shapes are kept, of 40", len(c.young)+len(c.old))
	}
}
