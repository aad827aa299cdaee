package cast

// Echo decides which of the typed lines may be recorded. It is pure: it sees what is typed and what comes out, in the order
// in which the gateway does.
//
// No protocol tells the gateway when a program at the target turns the terminal's echo off: SSH names the modes once, when
// the terminal is asked for (RFC 4254 section 8), a shell that edits lines turns echo off itself and writes what is typed,
// and sudo or passwd change the mode behind everybody's back. So Echo goes by what it sees. A line may be recorded when
// all of it was typed as plain characters, and every one of them came back, in order and with nothing between them but
// control sequences, before the line was ended. Everything else is not recorded: a line with Tab, Backspace, an arrow or
// any other control character in it, one that was pasted or typed ahead, one that other output interrupted.
//
// How sound that is: a recorded line stands, character by character and in one piece, in what the terminal showed while it
// was typed. So recording it tells nothing that the recorded output does not tell. A password typed at a prompt without
// echo does not come out, and is not recorded. It would be only where other output that came during the typing happened to
// be exactly that password, or where the target shows it; then the recorded output holds it too.
//
// The zero Echo is ready.
type Echo struct {
	line   []byte // what was typed since the last line end
	shown  int    // how many bytes of it came back
	hidden bool   // the line is not to be recorded
	parser parser // of the output
}

// maxLine is the longest line that is recorded, in bytes.
const maxLine = 4 << 10

// Input takes what was typed up to the first line end. It answers the line with a carriage return behind it where it may
// be recorded, else nothing, and what of p comes after the line end. The line is valid until the next call.
func (e *Echo) Input(p []byte) (line, rest []byte) {
	for i, b := range p {
		switch {
		case b == '\r' || b == '\n':
			return e.end(), p[i+1:]
		case b == 0x03: // Ctrl-C begins a new line
			e.end()
		case isControl(b) || len(e.line) == maxLine:
			e.hidden = true
		default:
			e.line = append(e.line, b)
		}
	}
	return nil, nil
}

// end ends a line and answers it where it may be recorded.
func (e *Echo) end() []byte {
	line, seen := e.line, !e.hidden && len(e.line) > 0 && e.shown == len(e.line)
	e.line, e.shown, e.hidden = e.line[:0], 0, false
	if !seen {
		return nil
	}
	return append(line, '\r')
}

// Output takes what came out.
func (e *Echo) Output(p []byte) {
	for _, b := range p {
		t := e.parser.step(b)
		if e.hidden || len(e.line) == 0 || t != text && t != control {
			continue
		}
		if t == text && e.shown < len(e.line) && e.line[e.shown] == b {
			e.shown++
			continue
		}
		e.hidden = true
	}
}
