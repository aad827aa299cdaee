package store

import (
	"context"
	"errors"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// ErrNotFound is returned for a key that nothing is stored under.
var ErrNotFound = errors.New("not found")

// ErrUnavailable is wrapped by every error of the store itself: the disk, the lock, the
// file. Nothing of the transaction was kept.
var ErrUnavailable = errors.New("the store is unavailable")

// ErrBroken is wrapped by the error that Verify returns for a chain with an entry
// removed, altered or moved.
var ErrBroken = errors.New("the chain is broken")

// A Store runs transactions. Implementations pass storetest.Run.
type Store interface {
	// Update runs fn in one serializable transaction. It is kept whole, on stable storage, when
	// Update returns nil, and not at all otherwise; an error of fn is returned as it is.
	// fn may run more than once, so it must do nothing but read and write the Tx.
	Update(ctx context.Context, fn func(Tx) error) error
	// UpdateSoon is Update for what nobody waits for: it may begin a moment later, to share a transaction with others.
	UpdateSoon(ctx context.Context, fn func(Tx) error) error
	// View runs fn on one unchanging state that holds every Update which returned before.
	View(ctx context.Context, fn func(Tx) error) error
	// Close waits for transactions and releases the store.
	Close() error
}

// Tx reads and writes within one transaction. A Put replaces what stands under its key.
// Lists are ordered by time of creation, newest first.
type Tx interface {
	Person(key api.Person) (Person, error)
	PutPerson(Person) error

	SignIn(id string) (SignIn, error)
	PutSignIn(SignIn) error

	Token(hash [32]byte) (Token, error)
	PutToken(Token) error
	DropTokens(expiredBefore time.Time) error

	Grant(id string) (Grant, error)
	PutGrant(Grant) error
	Grants(GrantFilter) ([]Grant, error)

	// AddEvent gives the event the grant's next sequence number, from 1, and returns it with that.
	AddEvent(grantID string, e api.GrantEvent) (api.GrantEvent, error)
	// Events returns up to limit events after the sequence number after, oldest first.
	Events(grantID string, after int64, limit int) ([]api.GrantEvent, error)

	Approval(id string) (Approval, error)
	PutApproval(Approval) error
	Approvals(ApprovalFilter) ([]Approval, error)

	Session(id string) (api.SessionInfo, error)
	PutSession(api.SessionInfo) error
	Sessions(SessionFilter) ([]api.SessionInfo, error)

	PutLock(api.Lock) error
	DropLock(user string) error // ErrNotFound where there is none
	Locks() ([]api.Lock, error)

	// Append adds an entry to a chain: each entry holds the hash of the one before.
	Append(chain string, e Entry) error
	// Entries returns a chain's entries, oldest first, after checking all hashes: an error
	// that wraps ErrBroken names the first entry that does not follow from the one before.
	Entries(chain string) ([]Entry, error)
}

// Names of the chains.
const (
	ChainAudit    = "audit"
	ChainSessions = "sessions"
)

// Person is the latest that is known of an identity.
type Person struct {
	Identity api.Identity
	AsOf     time.Time // when the provider said so
}

// SignIn is a sign-in at the broker: a family of tokens.
type SignIn struct {
	ID            string
	Provider      string
	Identity      api.Identity
	CreatedAt     time.Time
	EndsAt        time.Time
	ProviderToken []byte // the provider's refresh token, sealed; empty where there is none
	Ended         string // why, or "" while it lives
}

// Kinds of token.
const (
	TokenAccess  = "access"
	TokenRefresh = "refresh"
)

// Token is a token that the broker gave out, known by its hash alone.
type Token struct {
	Hash      [32]byte
	Kind      string
	SignIn    string
	ExpiresAt time.Time
	Used      bool
}

// Grant is the broker's record of a grant: all the authority that there is.
type Grant struct {
	api.Grant
	SignIn    string
	KeyHash   [32]byte
	PublicKey []byte        // PKIX DER
	TTL       time.Duration // asked and given; a renewal gives it again
	Warned    bool          // its expiring event was published
}

// GrantFilter selects grants; a zero field selects all.
type GrantFilter struct {
	Owner  api.Person
	SignIn string
	State  string
	Due    time.Time // those that expire at or before this
	Limit  int
}

// Approval is a request with the grant that first asked for it.
type Approval struct {
	api.Approval
	GrantID string
}

// ApprovalFilter selects approvals; a zero field selects all.
type ApprovalFilter struct {
	Requester    api.Person
	Connection   string
	Digest       string
	States       []string
	CreatedAfter time.Time
	Due          time.Time // those that expire at or before this
	Limit        int
}

// SessionFilter selects sessions; a zero field selects all.
type SessionFilter struct {
	Owner   api.Person
	GrantID string
	State   string
	Limit   int
}

// Entry is one line of a chain.
type Entry struct {
	Time    time.Time         `json:"time"`
	Kind    string            `json:"kind"`
	Actor   api.Person        `json:"actor"`
	User    string            `json:"user,omitempty"`
	Subject string            `json:"subject,omitempty"` // the id of what it is about
	Detail  map[string]string `json:"detail,omitempty"`
}
