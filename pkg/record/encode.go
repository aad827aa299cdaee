package record

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// The events that every command and every answer have are encoded by hand: encoding/json takes as long for them as the target does for
// a short statement. What they write is what encoding/json would, byte by byte; a test holds that.

// object is a JSON object that is being written.
type object struct {
	out []byte
	any bool
}

// objectOf begins the event of a command, with room for its other members.
func objectOf(command uint64, room int) object {
	o := object{out: make([]byte, 0, room)}
	o.begin()
	o.key("command")
	o.out = strconv.AppendUint(o.out, command, 10)
	return o
}

func (o *object) key(name string) {
	if o.any {
		o.out = append(o.out, ',')
	}
	o.any = true
	o.out = append(append(append(o.out, '"'), name...), '"', ':')
}

func (o *object) text(name, value string) {
	o.key(name)
	o.out = appendText(o.out, value)
}

// optional leaves an empty text out.
func (o *object) optional(name, value string) {
	if value != "" {
		o.text(name, value)
	}
}

func (o *object) number(name string, value int64) {
	o.key(name)
	o.out = strconv.AppendInt(o.out, value, 10)
}

// some leaves a zero out.
func (o *object) some(name string, value int64) {
	if value != 0 {
		o.number(name, value)
	}
}

// yes leaves a false out.
func (o *object) yes(name string, value bool) {
	if value {
		o.key(name)
		o.out = append(o.out, "true"...)
	}
}

func (o *object) null(name string) {
	o.key(name)
	o.out = append(o.out, "null"...)
}

func (o *object) array(name string, n int, each func(int)) {
	o.key(name)
	o.out = append(o.out, '[')
	for i := range n {
		if i > 0 {
			o.out = append(o.out, ',')
		}
		each(i)
	}
	o.out = append(o.out, ']')
}

func (o *object) begin() { o.out, o.any = append(o.out, '{'), false }
func (o *object) end()   { o.out, o.any = append(o.out, '}'), true }

// appendText writes a string. What needs an escape is left to encoding/json.
func appendText(out []byte, value string) []byte {
	for i := range len(value) {
		if c := value[i]; c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c >= utf8.RuneSelf {
			escaped, err := json.Marshal(value)
			if err != nil { // a string always encodes
				return append(out, `""`...)
			}
			return append(out, escaped...)
		}
	}
	return append(append(append(out, '"'), value...), '"')
}

// Fixed is what of a Command stays the same each time the same statement is sent, encoded once: all but its number,
// parameters, stage and decision.
type Fixed struct{ before, behind []byte }

// Fix encodes what stays the same.
func (c Command) Fix() *Fixed {
	o := object{out: make([]byte, 0, 32+len(c.Name)+len(c.Text)), any: true}
	o.optional("name", c.Name)
	o.text("text", c.Text)
	f := &Fixed{before: o.out}
	o = object{out: make([]byte, 0, 128+len(c.Rewrote)), any: true}
	if c.Accesses == nil {
		o.null("accesses")
	} else {
		o.array("accesses", len(c.Accesses), func(i int) {
			o.begin()
			o.text("effect", c.Accesses[i].Effect)
			o.optional("object", c.Accesses[i].Object)
			o.end()
		})
	}
	o.optional("sql_command", c.SQL)
	o.optional("rewritten", c.Rewrote)
	if len(c.Masked) > 0 {
		o.array("masked", len(c.Masked), func(i int) { o.out = appendText(o.out, c.Masked[i]) })
	}
	f.behind = o.out
	return f
}

func (c Command) encode() []byte { return c.With(c.Fix()) }

// With is the encoded event of a command whose fixed part was encoded before.
func (c Command) With(f *Fixed) []byte {
	o := objectOf(c.Command, 160+len(f.before)+len(f.behind))
	o.out = append(o.out, f.before...)
	if len(c.Params) > 0 {
		o.array("params", len(c.Params), func(i int) { c.Params[i].encode(&o) })
	}
	o.out = append(o.out, f.behind...)
	o.yes("prepare", c.Prepare)
	o.optional("decision_id", c.DecisionID)
	o.optional("verdict", c.Verdict)
	o.optional("rule", c.Rule)
	o.end()
	return o.out
}

func (p Param) encode(o *object) {
	o.begin()
	o.some("oid", int64(p.OID))
	if p.Text != nil {
		o.text("text", *p.Text)
	}
	switch {
	case p.Binary == nil:
	case *p.Binary == nil:
		o.null("binary")
	default:
		o.key("binary")
		o.out = append(base64.StdEncoding.AppendEncode(append(o.out, '"'), *p.Binary), '"')
	}
	o.yes("blank", p.Blank)
	o.end()
}

func (x Outcome) encode() []byte {
	o := objectOf(x.Command, 128)
	o.number("rows", x.Rows)
	o.number("bytes", x.Bytes)
	o.optional("tag", x.Tag)
	o.optional("sqlstate", x.SQLState)
	o.optional("error", x.Error)
	o.yes("undone", x.Undone)
	o.number("duration_us", x.DurationUS)
	o.some("truncated_rows", x.TruncatedRows)
	o.some("truncated_bytes", x.TruncatedBytes)
	o.optional("truncated_sha256", x.TruncatedHash)
	o.some("input_bytes", x.InputBytes)
	o.optional("input_sha256", x.InputHash)
	o.end()
	return o.out
}

// fields writes those of a head. It is no array of closures: every answer has one.
func (o *object) fields(all []Field) {
	o.key("fields")
	o.out = append(o.out, '[')
	for i, f := range all {
		if i > 0 {
			o.out = append(o.out, ',')
		}
		o.out = appendText(append(o.out, `{"name":`...), f.Name)
		o.out = append(appendText(append(o.out, `,"value":`...), f.Value), '}')
	}
	o.out = append(o.out, ']')
}

func (t Terminal) encode() []byte {
	room := 96 + len(t.Term)
	for _, f := range t.Fields {
		room += len(`{"name":"","value":""},`) + len(f.Name) + len(f.Value) + 8 // for what is escaped
	}
	o := objectOf(t.Command, room)
	o.text("what", t.What)
	o.yes("pty", t.PTY)
	o.optional("term", t.Term)
	o.some("columns", int64(t.Columns))
	o.some("rows", int64(t.Rows))
	o.text("input", t.Input)
	o.some("status", int64(t.Status))
	if len(t.Fields) > 0 {
		o.fields(t.Fields)
	}
	o.some("more_fields", int64(t.MoreFields))
	o.end()
	return o.out
}

func (x Exit) encode() []byte {
	o := objectOf(x.Command, 128)
	if x.Status != nil {
		o.number("status", int64(*x.Status))
	}
	o.optional("signal", x.Signal)
	o.yes("core_dumped", x.CoreDumped)
	o.optional("error", x.Error)
	o.number("output_bytes", x.OutputBytes)
	o.some("error_bytes", x.ErrorBytes)
	o.number("duration_us", x.DurationUS)
	o.some("truncated_bytes", x.TruncatedBytes)
	o.optional("truncated_sha256", x.TruncatedHash)
	o.end()
	return o.out
}
