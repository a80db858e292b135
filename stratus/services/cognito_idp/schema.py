"""The tables of one region's user pools. Passwords are SRP verifiers, codes and refresh tokens are digests."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS pools (
  id TEXT PRIMARY KEY,
  settings TEXT NOT NULL,           -- JSON, members named as CreateUserPool names them
  keys TEXT NOT NULL,               -- JSON: PEM private keys that sign ID and access tokens
  secret BLOB NOT NULL,             -- keys the digests of codes and the simulation of users who do not exist
  created REAL NOT NULL,
  modified REAL NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS clients (
  id TEXT PRIMARY KEY,
  pool TEXT NOT NULL REFERENCES pools ON DELETE CASCADE,
  settings TEXT NOT NULL,           -- JSON, members named as CreateUserPoolClient names them
  secret TEXT,
  created REAL NOT NULL,
  modified REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS clients_of_pool ON clients (pool);

CREATE TABLE IF NOT EXISTS users (
  sub TEXT PRIMARY KEY,
  pool TEXT NOT NULL REFERENCES pools ON DELETE CASCADE,
  username TEXT NOT NULL,
  status TEXT NOT NULL,
  enabled INTEGER NOT NULL,
  salt TEXT,                        -- SRP, hexadecimal; NULL where no password is set
  verifier TEXT,
  password_expires REAL,            -- of a temporary password
  attributes TEXT NOT NULL,         -- JSON {name: value}
  pending TEXT NOT NULL,            -- JSON {name: value} waiting for a code before they replace the attribute
  totp TEXT NOT NULL,               -- JSON: secret, its candidate, the last time step used, preference
  created REAL NOT NULL,
  modified REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS users_of_pool ON users (pool, sub);

CREATE TABLE IF NOT EXISTS names (
  pool TEXT NOT NULL,
  name TEXT NOT NULL,               -- what a user may sign in with, in canonical form
  sub TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
  PRIMARY KEY (pool, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS names_of_user ON names (sub);

CREATE TABLE IF NOT EXISTS codes (
  subject TEXT NOT NULL,
  purpose TEXT NOT NULL,
  digest BLOB NOT NULL,
  expires REAL NOT NULL,
  PRIMARY KEY (subject, purpose)
) STRICT;
CREATE INDEX IF NOT EXISTS codes_by_expiry ON codes (expires);

CREATE TABLE IF NOT EXISTS tallies (
  subject TEXT NOT NULL,
  kind TEXT NOT NULL,
  count INTEGER NOT NULL,
  locked_until REAL NOT NULL,
  expires REAL NOT NULL,
  PRIMARY KEY (subject, kind)
) STRICT;
CREATE INDEX IF NOT EXISTS tallies_by_expiry ON tallies (expires);

CREATE TABLE IF NOT EXISTS sessions (
  digest BLOB PRIMARY KEY,
  client TEXT NOT NULL,
  sub TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
  challenge TEXT NOT NULL,
  expires REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS sessions_by_expiry ON sessions (expires);
CREATE INDEX IF NOT EXISTS sessions_of_user ON sessions (sub);

CREATE TABLE IF NOT EXISTS grants (
  origin_jti TEXT PRIMARY KEY,      -- one sign-in, and all tokens that come from it
  client TEXT NOT NULL REFERENCES clients ON DELETE CASCADE,
  sub TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
  auth_time INTEGER NOT NULL,
  refresh BLOB NOT NULL UNIQUE,     -- digest of the refresh token
  refresh_expires REAL NOT NULL,
  rotated BLOB,                     -- digest of the refresh token before the last rotation
  rotated_until REAL NOT NULL,
  revoked INTEGER NOT NULL,
  expires REAL NOT NULL             -- when the last of its tokens has expired
) STRICT;
CREATE INDEX IF NOT EXISTS grants_of_user ON grants (sub);
CREATE INDEX IF NOT EXISTS grants_by_expiry ON grants (expires);
CREATE INDEX IF NOT EXISTS grants_by_rotated ON grants (rotated);
"""
