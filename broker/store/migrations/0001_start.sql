-- +goose Up
CREATE TABLE people (
    issuer  TEXT NOT NULL,
    subject TEXT NOT NULL,
    doc     TEXT NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT;

CREATE TABLE sign_ins (
    id  TEXT PRIMARY KEY,
    doc TEXT NOT NULL
) STRICT;

CREATE TABLE tokens (
    hash       BLOB PRIMARY KEY,
    expires_at INTEGER NOT NULL,
    doc        TEXT NOT NULL
) STRICT;
CREATE INDEX tokens_by_expiry ON tokens (expires_at);

CREATE TABLE grants (
    id         TEXT PRIMARY KEY,
    issuer     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    sign_in    TEXT NOT NULL,
    state      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    doc        TEXT NOT NULL
) STRICT;
CREATE INDEX grants_by_owner ON grants (issuer, subject, state);
CREATE INDEX grants_by_sign_in ON grants (sign_in);
CREATE INDEX grants_by_expiry ON grants (state, expires_at);
CREATE INDEX grants_by_creation ON grants (created_at);

CREATE TABLE grant_events (
    grant_id TEXT NOT NULL,
    seq      INTEGER NOT NULL,
    doc      TEXT NOT NULL,
    PRIMARY KEY (grant_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE approvals (
    id         TEXT PRIMARY KEY,
    issuer     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    connection TEXT NOT NULL,
    digest     TEXT NOT NULL,
    state      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    doc        TEXT NOT NULL
) STRICT;
CREATE INDEX approvals_by_requester ON approvals (issuer, subject, created_at);
CREATE INDEX approvals_by_state ON approvals (state, expires_at);
CREATE INDEX approvals_by_creation ON approvals (created_at);

CREATE TABLE sessions (
    id         TEXT PRIMARY KEY,
    issuer     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    grant_id   TEXT NOT NULL,
    state      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    doc        TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_by_owner ON sessions (issuer, subject, created_at);
CREATE INDEX sessions_by_grant ON sessions (grant_id);
CREATE INDEX sessions_by_state ON sessions (state);
CREATE INDEX sessions_by_creation ON sessions (created_at);

CREATE TABLE locks (
    user_name  TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    doc        TEXT NOT NULL
) STRICT;

CREATE TABLE chain (
    name TEXT NOT NULL,
    n    INTEGER NOT NULL,
    prev BLOB NOT NULL,
    hash BLOB NOT NULL,
    doc  TEXT NOT NULL,
    PRIMARY KEY (name, n)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE chain;
DROP TABLE locks;
DROP TABLE sessions;
DROP TABLE approvals;
DROP TABLE grant_events;
DROP TABLE grants;
DROP TABLE tokens;
DROP TABLE sign_ins;
DROP TABLE people;
