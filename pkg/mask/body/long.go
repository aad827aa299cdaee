package body

import "github.com/hoop-gateway/hoop/pkg/mask"

// Long strings are looked at piece by piece, as a text that comes in pieces, and written anew: with the escapes that they need.

// begun puts out the first quote of a long string.
func (j *jsonStage) begun() {
	j.dst = append(j.dst, '"')
	j.held = j.held[:copy(j.held, j.held[1:])]
	if j.look.set == nil {
		j.stream = nil
	} else if j.stream == nil {
		j.stream = mask.NewStream(j.look.set)
	}
}

// more looks at what is held of a long string. over says that it ends with it, and with a quote.
func (j *jsonStage) more(over bool) {
	raw := j.held
	if over {
		raw = raw[:len(raw)-1]
	}
	for len(raw) > 0 {
		step := raw[:min(len(raw), 16<<10)]
		last := over && len(step) == len(raw)
		var n int
		if j.plain, n = unescape(j.plain[:0], step, last); n == 0 {
			break
		}
		raw = raw[n:]
		if j.stream == nil {
			j.dst = appendEscaped(j.dst, j.plain)
			continue
		}
		j.piece = j.stream.Write(j.piece[:0], j.plain)
		j.dst = appendEscaped(j.dst, j.piece)
	}
	if !over {
		j.held = j.held[:copy(j.held, raw)]
		return
	}
	if j.stream != nil {
		j.piece = j.stream.Flush(j.piece[:0])
		j.dst = appendEscaped(j.dst, j.piece)
	}
	j.dst = append(j.dst, '"')
	j.long, j.held = false, j.held[:0]
}
