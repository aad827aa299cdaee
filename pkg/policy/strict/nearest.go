package strict

import "math"

// nearest is the known word that a mistyped one was most likely meant to be, or "". One letter may be wrong, and one more
// in every so many letters.
func nearest(word string, known []string, every int) string {
	best, distance := "", 1+len(word)/every
	for _, k := range known {
		if d := edits(word, k); d <= distance && (best == "" || d < distance) {
			best, distance = k, d
		}
	}
	return best
}

// edits is the Levenshtein distance of two short words; long ones are all far apart.
func edits(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return math.MaxInt
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
