package sftp

import "encoding/binary"

// What a status says (draft-ietf-secsh-filexfer-02, section 7).
const (
	statusOK          = 0
	statusEOF         = 1
	statusNoFile      = 2
	statusDenied      = 3
	statusFailure     = 4
	statusBadMessage  = 5
	statusUnsupported = 8
)

// statusText is a status in OpenSSH's words. What a host says itself is not passed on.
func statusText(code uint32) string {
	switch code {
	case statusOK:
		return "Success"
	case statusEOF:
		return "End of file"
	case statusNoFile:
		return "No such file"
	case statusDenied:
		return "Permission denied"
	case statusBadMessage:
		return "Bad message"
	case statusUnsupported:
		return "Operation unsupported"
	default:
		return "Failure"
	}
}

func status(id, code uint32, text string) []byte {
	b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte{typeStatus}, id), code)
	return putString(putString(b, text), "")
}

// reply is an answer of the host, from behind its id on.
type reply struct {
	kind byte
	body []byte
}

// status is what a host's answer says where it is a status; an answer of another kind than is wanted is a failure.
func (r reply) status() uint32 {
	c := &cursor{b: r.body}
	if code := c.uint32(); r.kind == typeStatus && !c.bad && code <= statusUnsupported {
		return code
	}
	return statusFailure
}

// attrs are what the host answers to a stat.
func (r reply) attrs() (attrs, bool) {
	c := &cursor{b: r.body}
	a := c.attrs()
	return a, r.kind == typeAttrs && c.end() == nil
}

// handle is what the host answers to an open.
func (r reply) handle() (string, bool) {
	c := &cursor{b: r.body}
	h := c.string(maxHandle)
	return h, r.kind == typeHandle && c.end() == nil
}

// entry is one name of a listing.
type entry struct {
	name, long string
	attrs      attrs
}

// names is what the host answers to a listing, or to a question for a name.
func (r reply) names() ([]entry, bool) {
	c := &cursor{b: r.body}
	var all []entry
	for n := c.uint32(); n > 0 && !c.bad; n-- {
		all = append(all, entry{c.string(maxPath), c.string(2 * maxPath), c.attrs()})
	}
	return all, r.kind == typeName && c.end() == nil
}

func names(id uint32, all []entry) []byte {
	b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte{typeName}, id), uint32(len(all)))
	for _, e := range all {
		b = e.attrs.append(putString(putString(b, e.name), e.long))
	}
	return b
}
