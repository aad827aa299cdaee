package grant

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"
)

const uriPrefix = "hoop://grant/"

var (
	idForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)
	oidSAN = asn1.ObjectIdentifier{2, 5, 29, 17}
)

func validID(id string) bool { return idForm.MatchString(id) }

// Handle is what a certificate says, and all that it says.
type Handle struct {
	GrantID string
	KeyHash [32]byte // SHA-256 of the key's SubjectPublicKeyInfo; the broker's record must hold the same
}

// KeyHash returns the SHA-256 of pub's SubjectPublicKeyInfo, for P-256 keys alone.
func KeyHash(pub crypto.PublicKey) ([32]byte, error) {
	if err := checkKey(pub); err != nil {
		return [32]byte{}, fmt.Errorf("hash a grant key: %w", err)
	}
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return [32]byte{}, fmt.Errorf("hash a grant key: %w", err)
	}
	return sha256.Sum256(der), nil
}

// A Verifier tells grant certificates from everything else. It is safe for concurrent
// use. One without an authority refuses everything.
type Verifier struct {
	cas []*x509.Certificate

	mu     sync.Mutex
	signed map[[sha256.Size]byte]bool // certificates whose signature was found good, by their hash
}

// maxSigned is how many certificates a Verifier remembers.
const maxSigned = 1024

// NewVerifier returns a verifier that trusts what the keys of caCerts signed directly:
// the current authority's, and while it is being replaced also the previous one's.
func NewVerifier(caCerts ...*x509.Certificate) *Verifier {
	return &Verifier{cas: slices.Clone(caCerts), signed: map[[sha256.Size]byte]bool{}}
}

// Verify takes what a TLS peer presented and returns the handle in it. An error means
// that the peer shows no grant; its text is for the log, not for the peer.
// That the peer holds the key is what the TLS handshake proves, not Verify.
func (v *Verifier) Verify(peer []*x509.Certificate, now time.Time) (Handle, error) {
	if len(peer) != 1 {
		return Handle{}, fmt.Errorf("grant certificate: the peer sent %d certificates, not one", len(peer))
	}
	leaf := peer[0]
	if err := v.checkSignature(leaf); err != nil {
		return Handle{}, fmt.Errorf("grant certificate: %w", err)
	}
	if err := checkForm(leaf); err != nil {
		return Handle{}, fmt.Errorf("grant certificate: %w", err)
	}
	if now.Before(leaf.NotBefore) || !now.Before(leaf.NotAfter) {
		return Handle{}, fmt.Errorf("grant certificate: not valid at %s", now.UTC().Format(time.RFC3339))
	}
	id, err := grantID(leaf)
	if err != nil {
		return Handle{}, fmt.Errorf("grant certificate: %w", err)
	}
	return Handle{GrantID: id, KeyHash: sha256.Sum256(leaf.RawSubjectPublicKeyInfo)}, nil
}

// checkSignature holds that the key of an authority signed the leaf itself. It compares
// no names but the issuer's: a self-signed certificate of the same name has another key.
func (v *Verifier) checkSignature(leaf *x509.Certificate) error {
	if leaf.SignatureAlgorithm != x509.ECDSAWithSHA256 {
		return fmt.Errorf("signed by %s, not by ECDSA with SHA-256", leaf.SignatureAlgorithm)
	}
	id := sha256.Sum256(leaf.Raw)
	if v.known(id) {
		return nil
	}
	for _, ca := range v.cas {
		if ca == nil || !bytes.Equal(leaf.RawIssuer, ca.RawSubject) {
			continue
		}
		if leaf.CheckSignatureFrom(ca) == nil {
			v.remember(id)
			return nil
		}
	}
	return errors.New("not signed directly by the grant authority")
}

// known says whether the same bytes were found to be signed before: each certificate comes with many sockets.
func (v *Verifier) known(id [sha256.Size]byte) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.signed[id]
}

func (v *Verifier) remember(id [sha256.Size]byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.signed) >= maxSigned {
		clear(v.signed)
	}
	v.signed[id] = true
}

// checkForm holds everything to the form that Issue gives, so that nothing else which
// the same key might ever sign can pass for a grant.
func checkForm(leaf *x509.Certificate) error {
	switch {
	case leaf.Version != 3:
		return fmt.Errorf("version %d, not 3", leaf.Version)
	case !leaf.BasicConstraintsValid || leaf.IsCA:
		return errors.New("it is, or may be, a certificate of an authority")
	case leaf.KeyUsage != x509.KeyUsageDigitalSignature:
		return errors.New("key usage other than digital signature")
	case len(leaf.UnknownExtKeyUsage) > 0 || !slices.Equal(leaf.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}):
		return errors.New("extended key usage other than client authentication alone")
	case len(leaf.UnhandledCriticalExtensions) > 0:
		return fmt.Errorf("unknown critical extension %s", leaf.UnhandledCriticalExtensions[0])
	}
	return checkKey(leaf.PublicKey)
}

// grantID reads the one URI name from the raw extension, because the parsed fields
// leave out the kinds of names that crypto/x509 does not know.
func grantID(leaf *x509.Certificate) (string, error) {
	var san []byte
	for _, ext := range leaf.Extensions {
		if ext.Id.Equal(oidSAN) {
			if san != nil {
				return "", errors.New("two lists of names")
			}
			san = ext.Value
		}
	}
	var names []asn1.RawValue
	if rest, err := asn1.Unmarshal(san, &names); err != nil || len(rest) > 0 {
		return "", errors.New("no readable list of names")
	}
	const uriTag = 6 // GeneralName, RFC 5280 section 4.2.1.6
	if len(names) != 1 || names[0].Class != asn1.ClassContextSpecific || names[0].Tag != uriTag || names[0].IsCompound {
		return "", errors.New("names other than one URI")
	}
	id, ok := bytes.CutPrefix(names[0].Bytes, []byte(uriPrefix))
	if !ok || !validID(string(id)) {
		return "", errors.New("the URI is not that of a grant")
	}
	return string(id), nil
}
