package sshhost_test

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"
)

// raw speaks SSH packet by packet, for what no library sends: one key exchange, one cipher whose lengths are in clear.
type raw struct {
	net.Conn
	in      *bufio.Reader
	seal    *counted // nil: in clear
	open    *counted
	session []byte // the session's id
}

// counted is AES-GCM as in RFC 5647.
type counted struct {
	cipher.AEAD
	iv []byte
}

func (c *counted) next() []byte {
	iv := bytes.Clone(c.iv)
	binary.BigEndian.PutUint64(c.iv[4:], binary.BigEndian.Uint64(c.iv[4:])+1)
	return iv
}

// manner is how a raw peer begins.
type manner struct {
	server   bool
	key      ed25519.PrivateKey // of a server
	lax      bool               // it does not list strict key exchange
	inserted []byte             // a packet in the middle of the key exchange
	blob     []byte             // of a server: what it shows as its key
	hostAlgo string             // of a server
}

func (r *raw) send(payload []byte) error {
	block, covered := 8, 5
	if r.seal != nil {
		block, covered = 16, 1
	}
	pad := block - (len(payload)+covered)%block
	if pad < 4 {
		pad += block
	}
	body := append(append([]byte{byte(pad)}, payload...), make([]byte, pad)...)
	head := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	if r.seal != nil {
		body = r.seal.Seal(nil, r.seal.next(), body, head)
	}
	_, err := r.Write(append(head, body...))
	return err
}

func (r *raw) receive() ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(r.in, head); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(head))
	if n > 1<<20 {
		return nil, errors.New("too long")
	}
	if r.open != nil {
		n += r.open.Overhead()
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r.in, body); err != nil {
		return nil, err
	}
	if r.open != nil {
		var err error
		if body, err = r.open.Open(body[:0], r.open.next(), body, head); err != nil {
			return nil, err
		}
	}
	return body[1 : len(body)-int(body[0])], nil
}

// want receives packets until one of a number comes.
func (r *raw) want(number byte) ([]byte, error) {
	for {
		p, err := r.receive()
		if err != nil || p[0] == number {
			return p, err
		}
	}
}

func text(s string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...)
}

// packet joins a number and what is behind it.
func packet(number byte, parts ...any) []byte {
	out := []byte{number}
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			out = append(out, text(p)...)
		case []byte:
			out = append(out, text(string(p))...)
		case bool:
			out = append(out, map[bool]byte{true: 1}[p])
		case uint32:
			out = binary.BigEndian.AppendUint32(out, p)
		}
	}
	return out
}

// begin does the key exchange over conn.
func begin(conn net.Conn, m manner) (*raw, error) {
	r := &raw{Conn: conn, in: bufio.NewReader(conn)}
	own := "SSH-2.0-raw"
	if _, err := io.WriteString(conn, own+"\r\n"); err != nil {
		return nil, err
	}
	their, err := r.in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	their = strings.TrimRight(their, "\r\n")
	word := map[bool]string{true: ",kex-strict-s-v00@openssh.com", false: ",kex-strict-c-v00@openssh.com"}[m.server]
	if m.lax {
		word = ""
	}
	algo := "ssh-ed25519"
	if m.hostAlgo != "" {
		algo = m.hostAlgo
	}
	const gcm, mac = "aes128-gcm@openssh.com", "hmac-sha2-256-etm@openssh.com"
	init := append([]byte{20}, make([]byte, 16)...)
	for _, list := range []string{"curve25519-sha256" + word, algo, gcm, gcm, mac, mac, "none", "none", "", ""} {
		init = append(init, text(list)...)
	}
	init = append(init, 0, 0, 0, 0, 0)
	if err := r.send(init); err != nil {
		return nil, err
	}
	theirInit, err := r.want(20)
	if err != nil {
		return nil, err
	}
	if m.inserted != nil {
		if err := r.send(m.inserted); err != nil {
			return nil, err
		}
	}
	return r, r.exchange(m, [2]string{own, their}, [2][]byte{init, theirInit})
}

// exchange is curve25519-sha256 (RFC 8731).
func (r *raw) exchange(m manner, versions [2]string, inits [2][]byte) error {
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	mine := private.PublicKey().Bytes()
	if !m.server {
		if err := r.send(packet(30, mine)); err != nil {
			return err
		}
	}
	p, err := r.want(map[bool]byte{true: 30, false: 31}[m.server])
	if err != nil {
		return err
	}
	var blob, theirs []byte
	if m.server {
		var q struct{ Q []byte }
		if err := ssh.Unmarshal(p[1:], &q); err != nil {
			return err
		}
		theirs, blob = q.Q, m.blob
		if blob == nil {
			public, err := ssh.NewPublicKey(m.key.Public())
			if err != nil {
				return err
			}
			blob = public.Marshal()
		}
	} else {
		var q struct{ Key, Q, Signature []byte }
		if err := ssh.Unmarshal(p[1:], &q); err != nil {
			return err
		}
		theirs, blob = q.Q, q.Key
	}
	public, err := ecdh.X25519().NewPublicKey(theirs)
	if err != nil {
		return err
	}
	shared, err := private.ECDH(public)
	if err != nil {
		return err
	}
	parts := [][]byte{[]byte(versions[0]), []byte(versions[1]), inits[0], inits[1], blob, mine, theirs}
	if m.server {
		parts = [][]byte{[]byte(versions[1]), []byte(versions[0]), inits[1], inits[0], blob, theirs, mine}
	}
	var all []byte
	for _, x := range parts {
		all = append(all, text(string(x))...)
	}
	secret := ssh.Marshal(struct{ K *big.Int }{new(big.Int).SetBytes(shared)})
	hash := sha256.Sum256(append(all, secret...))
	r.session = hash[:]
	if m.server {
		algo := "ssh-ed25519"
		if m.hostAlgo != "" {
			algo = m.hostAlgo
		}
		signature := packet(0, algo, ed25519.Sign(m.key, hash[:]))[1:]
		if err := r.send(packet(31, blob, mine, signature)); err != nil {
			return err
		}
	}
	if err := r.send([]byte{21}); err != nil {
		return err
	}
	if _, err := r.want(21); err != nil {
		return err
	}
	derive := func(letter byte, n int) []byte {
		h := sha256.Sum256(append(append(append(bytes.Clone(secret), hash[:]...), letter), hash[:]...))
		return h[:n]
	}
	up, down := newCounted(derive('C', 16), derive('A', 12)), newCounted(derive('D', 16), derive('B', 12))
	if r.seal, r.open = up, down; m.server {
		r.seal, r.open = down, up
	}
	return nil
}

func newCounted(key, iv []byte) *counted {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key is of 16 bytes
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return &counted{aead, iv}
}

// service asks for the service of signing in.
func (r *raw) service() error {
	if err := r.send(packet(5, "ssh-userauth")); err != nil {
		return err
	}
	_, err := r.want(6)
	return err
}

// query asks whether a key would do, and answers the number of what comes back.
func (r *raw) query(algo string, blob []byte) (byte, error) {
	return r.answer(packet(50, "anybody", "ssh-connection", "publickey", false, algo, blob))
}

// sign signs in with a key's blob, and a signature by another one maybe.
func (r *raw) sign(blob []byte, by ed25519.PrivateKey) (byte, error) {
	request := packet(50, "anybody", "ssh-connection", "publickey", true, "ssh-ed25519", blob)
	signature := ed25519.Sign(by, append(text(string(r.session)), request...))
	return r.answer(append(request, text(string(packet(0, "ssh-ed25519", signature)[1:]))...))
}

// answer sends a request to sign in and answers what comes back: 51 no, 52 yes, 60 that key would do.
func (r *raw) answer(request []byte) (byte, error) {
	if err := r.send(request); err != nil {
		return 0, err
	}
	for {
		p, err := r.receive()
		if err != nil {
			return 0, err
		}
		if p[0] >= 51 && p[0] <= 60 && p[0] != 53 {
			return p[0], nil
		}
		if p[0] == 1 {
			return 0, fmt.Errorf("disconnected: %q", p)
		}
	}
}

// host plays a host that lets everybody in, until it is signed in to.
func (r *raw) host() error {
	if _, err := r.want(5); err != nil {
		return err
	}
	if err := r.send(packet(6, "ssh-userauth")); err != nil {
		return err
	}
	if _, err := r.want(50); err != nil {
		return err
	}
	return r.send([]byte{52})
}
