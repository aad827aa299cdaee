package sftp

import "bytes"

// Decoded decodes a request of a client, and encodes it again.
func Decoded(packet []byte) (again []byte, path string, err error) {
	r, err := decodeRequest(packet)
	if err != nil {
		return nil, "", err
	}
	return append(r.head(), r.data...), r.path, nil
}

// Known says whether a request is one that is passed on.
func Known(packet []byte) bool {
	r, err := decodeRequest(packet)
	_, offered := offered()[r.extension]
	return err == nil && (r.kind != typeExtended || offered)
}

// Answered decodes an answer of a host in every way, and encodes a listing again.
func Answered(kind byte, body []byte) (listing []byte) {
	r := reply{kind, body}
	r.status()
	r.handle()
	r.attrs()
	all, ok := r.names()
	if !ok {
		return nil
	}
	return names(0, all)[5:]
}

// Packets reads all packets.
func Packets(stream []byte) (all [][]byte) {
	in := readPackets(bytes.NewReader(stream))
	for {
		p, err := in.next()
		if err != nil {
			return all
		}
		all = append(all, bytes.Clone(p))
	}
}

// WithData puts another head before the last n bytes of a packet.
func WithData(packet, head []byte, n int) ([]byte, error) {
	in := readPackets(bytes.NewReader(framed(packet)))
	p, err := in.next()
	if err != nil {
		return nil, err
	}
	c := &cursor{b: p[len(p)-n-4:]}
	return in.withData(head, c.bytes()), nil
}
