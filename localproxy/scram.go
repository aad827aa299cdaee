package localproxy

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const mechanism = "SCRAM-SHA-256"

// errSecret says that a client does not know the secret.
var errSecret = errors.New("wrong secret")

// errGaveUp says that a client left when it had read what its proof has to be made of.
var errGaveUp = errors.New("the client gave up")

// verifier holds what RFC 5802 lets a server keep of a password.
type verifier struct {
	iterations int
	salt       []byte
	storedKey  [sha256.Size]byte
	serverKey  []byte
}

func newVerifier(s Secret, iterations int) (*verifier, error) {
	v := &verifier{iterations: iterations, salt: make([]byte, 16)}
	if _, err := rand.Read(v.salt); err != nil {
		return nil, fmt.Errorf("draw a salt: %w", err)
	}
	salted, err := pbkdf2.Key(sha256.New, s.Reveal(), v.salt, iterations, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive the local secret's key: %w", err)
	}
	v.storedKey = sha256.Sum256(sum(salted, "Client Key"))
	v.serverKey = sum(salted, "Server Key")
	return v, nil
}

func sum(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// verify has the client at rw prove that it knows the secret. The error is errSecret when it does not.
func (v *verifier) verify(rw io.ReadWriter) error {
	if _, err := rw.Write(authentication(10, []byte(mechanism+"\x00\x00"))); err != nil {
		return err
	}
	body, err := readResponse(rw)
	if err != nil {
		return err
	}
	first, err := parseInitial(body)
	if err != nil {
		return err
	}
	var random [18]byte
	if _, err := rand.Read(random[:]); err != nil {
		return fmt.Errorf("draw a nonce: %w", err)
	}
	nonce := first.nonce + base64.StdEncoding.EncodeToString(random[:])
	serverFirst := "r=" + nonce + ",s=" + base64.StdEncoding.EncodeToString(v.salt) + ",i=" + strconv.Itoa(v.iterations)
	if _, err := rw.Write(authentication(11, []byte(serverFirst))); err != nil {
		return err
	}
	if body, err = readResponse(rw); err != nil {
		return fmt.Errorf("%w: %w", errGaveUp, err)
	}
	final, err := parseFinal(body)
	if err != nil {
		return err
	}
	if final.binding != base64.StdEncoding.EncodeToString([]byte(first.gs2)) || final.nonce != nonce {
		return fmt.Errorf("%w: the client's final message belongs to another exchange", errProtocol)
	}
	signed := first.bare + "," + serverFirst + "," + final.withoutProof
	if !v.proves(final.proof, signed) {
		return errSecret
	}
	signature := base64.StdEncoding.EncodeToString(sum(v.serverKey, signed))
	_, err = rw.Write(authentication(12, []byte("v="+signature)))
	return err
}

// proves recovers the client's key from its proof and compares what the server stores of it, in constant time.
func (v *verifier) proves(proof []byte, signed string) bool {
	signature := sum(v.storedKey[:], signed)
	key := make([]byte, sha256.Size)
	subtle.XORBytes(key, proof, signature)
	stored := sha256.Sum256(key)
	return subtle.ConstantTimeCompare(stored[:], v.storedKey[:]) == 1
}

// clientFirst is RFC 5802's client-first-message, taken apart.
type clientFirst struct{ gs2, bare, nonce string }

// parseInitial reads a SASLInitialResponse: mechanism, length, client-first-message.
func parseInitial(body []byte) (clientFirst, error) {
	name, rest, ok := bytes.Cut(body, []byte{0})
	if !ok || string(name) != mechanism || len(rest) < 4 {
		return clientFirst{}, fmt.Errorf("%w: only %s is offered", errProtocol, mechanism)
	}
	if int(int32(binary.BigEndian.Uint32(rest))) != len(rest)-4 {
		return clientFirst{}, fmt.Errorf("%w: length of the first SASL message", errProtocol)
	}
	message := string(rest[4:])
	// "n" does not know channel binding and "y" believes that we do not: both are right, there is no TLS here.
	gs2 := message[:min(3, len(message))]
	if gs2 != "n,," && gs2 != "y,," {
		return clientFirst{}, fmt.Errorf("%w: channel binding or an authorization identity", errProtocol)
	}
	bare := message[3:]
	user, nonce, ok := strings.Cut(bare, ",r=")
	if !ok || !strings.HasPrefix(user, "n=") || strings.Contains(user, ",") || !isNonce(nonce) {
		return clientFirst{}, fmt.Errorf("%w: the first SASL message", errProtocol)
	}
	return clientFirst{gs2: gs2, bare: bare, nonce: nonce}, nil
}

// clientFinal is RFC 5802's client-final-message, taken apart.
type clientFinal struct {
	binding, nonce, withoutProof string
	proof                        []byte
}

func parseFinal(body []byte) (clientFinal, error) {
	bad := fmt.Errorf("%w: the final SASL message", errProtocol)
	parts := strings.Split(string(body), ",")
	if len(parts) != 3 || !strings.HasPrefix(parts[0], "c=") || !strings.HasPrefix(parts[1], "r=") || !strings.HasPrefix(parts[2], "p=") {
		return clientFinal{}, bad
	}
	proof, err := base64.StdEncoding.Strict().DecodeString(parts[2][2:])
	if err != nil || len(proof) != sha256.Size || strings.ContainsAny(parts[2], "\r\n") {
		return clientFinal{}, bad
	}
	return clientFinal{binding: parts[0][2:], nonce: parts[1][2:], withoutProof: parts[0] + "," + parts[1], proof: proof}, nil
}

// isNonce holds RFC 5802's "printable": ASCII without comma. The length bound is ours.
func isNonce(s string) bool {
	if s == "" || len(s) > 256 {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x21 || s[i] > 0x7e || s[i] == ',' {
			return false
		}
	}
	return true
}
