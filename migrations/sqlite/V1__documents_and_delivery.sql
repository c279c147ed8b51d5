-- "CSGN": tells our database from another program's SQLite file.
PRAGMA application_id = 1129531214;

-- One row per document: the head of its chain, with what lists show and sort by. Kept on write.
CREATE TABLE document (
    id INTEGER PRIMARY KEY,
    company TEXT NOT NULL,
    partner TEXT NOT NULL,
    kind TEXT NOT NULL,
    number TEXT NOT NULL,
    side TEXT NOT NULL,
    state TEXT NOT NULL,
    current INTEGER NOT NULL,
    current_state TEXT NOT NULL,
    current_purpose TEXT NOT NULL,
    -- version.id of the current version; the row of the search index.
    current_version INTEGER NOT NULL,
    agreed INTEGER,
    before_cancel TEXT,
    counterparty TEXT,
    needs_answer INTEGER NOT NULL CHECK (needs_answer IN (0, 1)),
    -- ISO day, or '~' for none: sorts after every day.
    promised_key TEXT NOT NULL,
    -- As promised_key, of the last day: until then something of it is still to come.
    last_day TEXT NOT NULL,
    answer_due INTEGER,
    line_count INTEGER NOT NULL,
    total_minor INTEGER,
    total_currency TEXT,
    change_summary TEXT,
    conflict INTEGER NOT NULL CHECK (conflict IN (0, 1)),
    gap INTEGER NOT NULL CHECK (gap IN (0, 1)),
    -- As in the current version.
    doubtful INTEGER NOT NULL CHECK (doubtful IN (0, 1)),
    -- operation.seq of the newest operation.
    operation INTEGER,
    -- audit.id of the newest entry of its history; each entry names the one before.
    history INTEGER,
    -- Operations that wait, run, failed, are unknown, held or dead.
    in_delivery INTEGER NOT NULL DEFAULT 0 CHECK (in_delivery >= 0),
    updated_at INTEGER NOT NULL,
    UNIQUE (company, partner, kind, number)
) STRICT;

CREATE INDEX document_needs_answer ON document (company, promised_key, id) WHERE needs_answer = 1;
CREATE INDEX document_needs_answer_partner ON document (company, partner, promised_key, id) WHERE needs_answer = 1;
CREATE INDEX document_needs_answer_doubtful ON document (company, promised_key, id) WHERE needs_answer = 1 AND doubtful = 1;
CREATE INDEX document_in_delivery ON document (company, updated_at, id) WHERE in_delivery > 0;
CREATE INDEX document_all ON document (company, updated_at, id);
CREATE INDEX document_all_partner ON document (company, partner, updated_at, id);
-- A list of one kind in all states, or of one state in both kinds, walks some places of it side by side.
CREATE INDEX document_all_state ON document (company, state, kind, updated_at, id);
CREATE INDEX document_all_doubtful ON document (company, updated_at, id) WHERE doubtful = 1;

-- Bytes as they came or as we sent them. Written in the transaction of the row that names them; that column is no foreign
-- key, which would be looked for in every version when an old payload goes.
CREATE TABLE payload (
    id INTEGER PRIMARY KEY,
    media_type TEXT NOT NULL,
    bytes BLOB NOT NULL
) STRICT;

-- A version is never overwritten: only its state changes. The current one's is document.current_state and not here, so
-- that an answer's effect on it writes one row, and not two in different places of the file.
CREATE TABLE version (
    id INTEGER PRIMARY KEY,
    document_id INTEGER NOT NULL REFERENCES document (id),
    number INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    author TEXT NOT NULL,
    state TEXT,
    sequence INTEGER,
    revision TEXT,
    supersedes INTEGER,
    base INTEGER,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    payload_id INTEGER NOT NULL,
    change_summary TEXT,
    answer_due INTEGER,
    -- The partner's amounts do not add up, by its rules when this came.
    doubtful INTEGER NOT NULL CHECK (doubtful IN (0, 1)),
    actor TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    UNIQUE (document_id, number)
) STRICT;

-- The canonical document as JSON text, apart from the head so that chains load without it.
CREATE TABLE version_content (
    version_id INTEGER PRIMARY KEY REFERENCES version (id),
    canonical TEXT NOT NULL,
    partner_ref TEXT
) STRICT;

-- Which delivery notes have lines of an order.
CREATE TABLE note_of_order (
    company TEXT NOT NULL,
    partner TEXT NOT NULL,
    order_number TEXT NOT NULL,
    document_id INTEGER NOT NULL REFERENCES document (id),
    PRIMARY KEY (company, partner, order_number, document_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX note_of_order_document ON note_of_order (document_id);

-- The partner's answers to documents that we issued, each once.
CREATE TABLE received_answer (
    id INTEGER PRIMARY KEY,
    document_id INTEGER NOT NULL REFERENCES document (id),
    version INTEGER NOT NULL,
    code TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    answer TEXT NOT NULL,
    payload_id INTEGER NOT NULL,
    stale INTEGER NOT NULL CHECK (stale IN (0, 1)),
    received_at INTEGER NOT NULL,
    UNIQUE (document_id, hash)
) STRICT;

-- Words of the current version of each document; rowid is version.id, so that newest first needs no sort.
CREATE VIRTUAL TABLE document_words USING fts5(
    words,
    content = '',
    contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 2',
    prefix = '2 3'
);
-- Merges half as often as by default, for some more segments that a search looks through.
INSERT INTO document_words (document_words, rank) VALUES ('automerge', 8);

-- An operation and its delivery job in one row: the state lives here alone.
CREATE TABLE operation (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    company TEXT NOT NULL,
    partner TEXT NOT NULL,
    document_id INTEGER NOT NULL REFERENCES document (id),
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    act TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    -- Due and free to be claimed: the oldest unfinished one of its document, or a delivered one to verify.
    ready INTEGER NOT NULL CHECK (ready IN (0, 1)),
    due_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- Attempts and start of the schedule since a person last set the state.
    attempts_before INTEGER NOT NULL DEFAULT 0,
    scheduled_from INTEGER NOT NULL,
    epoch INTEGER NOT NULL DEFAULT 0,
    lease_holder TEXT,
    lease_until INTEGER,
    claimed_from TEXT,
    -- Its version was superseded while it was in flight: it must not leave again unless a person says so.
    hold INTEGER NOT NULL DEFAULT 0 CHECK (hold IN (0, 1)),
    last_error TEXT,
    receipt TEXT,
    -- Epoch of the claim that let the request leave which was made when this was saved.
    left_in INTEGER,
    -- The dead letter that this replays, and the replay of this dead letter: ids of operations.
    replay_of BLOB,
    replayed_as BLOB,
    -- Whose id is the idempotency key, when not its own: a replay of what may have an effect already.
    sent_as BLOB,
    -- How far it is past its first request, as JSON; the request that is stored is the one of this place.
    progress TEXT,
    updated_at INTEGER NOT NULL,
    CHECK ((lease_until IS NULL) = (claimed_from IS NULL)),
    CHECK (ready = 0 OR (lease_until IS NULL AND due_at IS NOT NULL)),
    CHECK (state <> 'Sending' OR lease_until IS NOT NULL)
) STRICT;

CREATE INDEX operation_ready ON operation (company, partner, due_at, seq) WHERE ready = 1;
-- At most one operation of a document is in flight. Also finds every lease: there are few.
CREATE UNIQUE INDEX operation_in_flight ON operation (document_id) WHERE lease_until IS NOT NULL;
CREATE INDEX operation_document ON operation (document_id, seq);
CREATE INDEX operation_partner ON operation (partner, seq);
-- Not those in flight, whose state changes twice for every attempt: they are found among the leases.
CREATE INDEX operation_state ON operation (state, seq) WHERE state <> 'Sending';

CREATE TABLE operation_answer (
    operation_seq INTEGER PRIMARY KEY REFERENCES operation (seq),
    answer TEXT NOT NULL
) STRICT;

-- The chain before and after an operation's effect, while its end at the partner is still to come.
CREATE TABLE operation_marks (
    operation_seq INTEGER PRIMARY KEY REFERENCES operation (seq),
    marks TEXT NOT NULL
) STRICT;

-- The byte-exact request, stored before its first send.
CREATE TABLE request (
    operation_seq INTEGER PRIMARY KEY REFERENCES operation (seq),
    method TEXT NOT NULL,
    url TEXT NOT NULL,
    -- A list of [name, value].
    headers TEXT NOT NULL,
    media_type TEXT NOT NULL,
    body BLOB NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    -- Fingerprint of the partner's configuration, of one that was made when its operation was saved: a draft, until a
    -- claim lets it leave (operation.left_in).
    made_with TEXT
) STRICT;

CREATE TABLE attempt (
    operation_seq INTEGER NOT NULL REFERENCES operation (seq),
    number INTEGER NOT NULL,
    step TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    status INTEGER,
    result TEXT NOT NULL,
    error TEXT,
    response_excerpt TEXT,
    PRIMARY KEY (operation_seq, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE watermark (
    company TEXT NOT NULL,
    partner TEXT NOT NULL,
    stream TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (company, partner, stream)
) STRICT, WITHOUT ROWID;

-- Named leases. The epoch outlives its holder and only grows.
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    holder TEXT,
    epoch INTEGER NOT NULL,
    -- How many steps its holder took, so that each is written only behind the one before it.
    step INTEGER NOT NULL DEFAULT 0,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    company TEXT NOT NULL,
    partner TEXT NOT NULL,
    stream TEXT NOT NULL,
    kind TEXT NOT NULL,
    number TEXT,
    stage TEXT NOT NULL,
    problems TEXT NOT NULL,
    payload_id INTEGER NOT NULL,
    payload_hash BLOB NOT NULL CHECK (length(payload_hash) = 32),
    state TEXT NOT NULL,
    runs INTEGER NOT NULL DEFAULT 1,
    seen INTEGER NOT NULL DEFAULT 1,
    document_id INTEGER REFERENCES document (id),
    received_at INTEGER NOT NULL,
    -- When it last came, or a person settled it.
    updated_at INTEGER NOT NULL,
    UNIQUE (company, partner, stream, payload_hash)
) STRICT;

CREATE INDEX quarantine_document ON quarantine (document_id) WHERE document_id IS NOT NULL;
CREATE INDEX quarantine_all ON quarantine (company, id);
CREATE INDEX quarantine_state ON quarantine (company, state, id);
CREATE INDEX quarantine_partner ON quarantine (company, partner, id);
CREATE INDEX quarantine_partner_state ON quarantine (company, partner, state, id);

CREATE TABLE partner_state (
    company TEXT NOT NULL,
    partner TEXT NOT NULL,
    breaker TEXT NOT NULL,
    credentials_broken INTEGER NOT NULL CHECK (credentials_broken IN (0, 1)),
    paused INTEGER NOT NULL CHECK (paused IN (0, 1)),
    last_success_at INTEGER,
    last_failure_at INTEGER,
    last_error TEXT,
    probe_at INTEGER,
    PRIMARY KEY (company, partner)
) STRICT, WITHOUT ROWID;

-- What a person has to know of for as long as it lasts: told once when it begins and once when it ends.
CREATE TABLE incident (
    id INTEGER PRIMARY KEY,
    company TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;

CREATE UNIQUE INDEX incident_open ON incident (company, kind, subject) WHERE ended_at IS NULL;

-- Numbers on the screen, in the transaction that changes what they count.
CREATE TABLE counter (
    company TEXT NOT NULL,
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (company, name)
) STRICT, WITHOUT ROWID;

-- The change feed: a cursor of ids, pruned from the old end.
CREATE TABLE change (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    document_id INTEGER
) STRICT;

-- Append only; hash is SHA-256 over the hash before it and this row's fields. A document's history is a list that begins
-- at document.history: an index would write a page of its own for each entry, because documents do not come in order.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    company TEXT NOT NULL,
    partner TEXT,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    document_id INTEGER,
    -- The entry before this one of the same document.
    earlier INTEGER CHECK (earlier < id),
    detail TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- Where the audit chain ends: shows rows that were cut off its end.
CREATE TABLE audit_end (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    last_id INTEGER NOT NULL,
    last_hash BLOB NOT NULL CHECK (length(last_hash) = 32)
) STRICT;
INSERT INTO audit_end (one, last_id, last_hash) VALUES (1, 0, zeroblob(32));

-- Where the audit chain begins: the last row that went into an archive. It moves forward along the chain only.
CREATE TABLE audit_start (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    last_id INTEGER NOT NULL,
    last_hash BLOB NOT NULL CHECK (length(last_hash) = 32)
) STRICT;
INSERT INTO audit_start (one, last_id, last_hash) VALUES (1, 0, zeroblob(32));
CREATE TRIGGER audit_start_along BEFORE UPDATE ON audit_start
WHEN NEW.last_id <= OLD.last_id
    OR NOT EXISTS (SELECT 1 FROM audit WHERE id = NEW.last_id AND hash = NEW.last_hash)
BEGIN SELECT raise(ABORT, 'the audit trail is cut at one of its rows'); END;

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT raise(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
WHEN OLD.id > (SELECT last_id FROM audit_start)
BEGIN SELECT raise(ABORT, 'the audit trail is append-only'); END;
-- INSERT OR REPLACE deletes without the trigger above.
CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN SELECT raise(ABORT, 'the audit trail is append-only'); END;
