package localproxy

import (
	"crypto/subtle"
	"encoding/binary"
	"sync"
)

// cancelKeys holds what BackendKeyData told each live local program, so that a cancel request, which carries no
// other proof, opens a tunnel only when it comes from one of them.
type cancelKeys struct {
	mu   sync.Mutex
	keys map[string]int
}

func (k *cancelKeys) add(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys == nil {
		k.keys = map[string]int{}
	}
	k.keys[key]++
}

func (k *cancelKeys) remove(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys[key]--; k.keys[key] <= 0 {
		delete(k.keys, key)
	}
}

// known compares with every key, so that the time taken tells nothing about any of them.
func (k *cancelKeys) known(key []byte) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	found := 0
	for have := range k.keys {
		found |= subtle.ConstantTimeCompare([]byte(have), key)
	}
	return found == 1
}

// maxKey bounds BackendKeyData: a process id and, in protocol 3.2, a key of at most 256 bytes.
const maxKey = 4 + 256

// keyScan watches the beginning of what a server sends for its BackendKeyData. It keeps no more than that message.
type keyScan struct {
	head []byte // of the current message, up to five bytes
	left int    // bytes of the current message's body still to come
	key  []byte
	done bool
}

// feed takes the next bytes, in pieces of any size. It returns the key once, when it is complete.
func (s *keyScan) feed(b []byte) (key string, found bool) {
	for len(b) > 0 && !s.done {
		if s.left == 0 {
			n := min(5-len(s.head), len(b))
			s.head, b = append(s.head, b[:n]...), b[n:]
			if len(s.head) < 5 {
				return "", false
			}
			if s.begin(); s.done {
				return "", false
			}
		}
		n := min(s.left, len(b))
		if len(s.head) > 0 && s.head[0] == 'K' {
			s.key = append(s.key, b[:n]...)
		}
		s.left, b = s.left-n, b[n:]
		if s.left > 0 {
			continue
		}
		if s.head[0] == 'K' {
			s.done = true
			return string(s.key), true
		}
		s.head = s.head[:0]
	}
	return "", false
}

// begin looks at a whole header. After ReadyForQuery, an error or nonsense there is no key to come.
func (s *keyScan) begin() {
	n := binary.BigEndian.Uint32(s.head[1:])
	s.left = int(n) - 4
	switch {
	case n < 4 || n > 1<<20, s.head[0] == 'Z', s.head[0] == 'E', s.head[0] == 'K' && (s.left < 8 || s.left > maxKey):
		s.done = true
	}
}
