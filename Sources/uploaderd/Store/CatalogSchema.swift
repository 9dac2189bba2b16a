import Shared

/// The tables of `catalog.db`, as numbered migrations. `PRAGMA user_version` is the number of the last one applied.
///
/// - `sessions`: one row per sid. `state` is its standing; only where that is `open` does `claim` let an object out.
/// - `standings`: what private.txt and forgotten.txt say, also of sessions that have no row yet.
/// - `erasures`: stores that have nothing but the tombstone of a forgotten session. Of that nothing else has rows here.
/// - `streams`: one row per stream of a session, with its source, its cursor and running totals of its live segments.
/// - `segments`: one row per segment that was ever sealed or taken up. A row is never deleted, but with its session. `state`: 0 spooled,
///   1 retired (no file; held by a store, or contained in the segment that superseded it), 2 lost (no file, in no
///   store: to be cut again), 3 gap (lost, and the source does not have it either). A row without `superseded_by` is
///   live: it is what a manifest lists once it is delivered. `found`: the catalog that knew where it was sent is gone,
///   so any store may have the object.
/// - `copies`: what is known of one segment at one store. `state`: 0 waiting, 1 claimed (an attempt is open), 2 stored
///   (the receipt), 3 stray (tried, then superseded: may be there), 4 missing, 5 damaged (there was a receipt; then the
///   object was looked for and is not there, or is not what was put). `tried`: an attempt was made, so the object may be
///   there. `listed`: a manifest that names it was put there. `spooled`: the file is still here.
/// - `manifests`: per session and store, the last epoch put there; behind while `wanted > published`.
/// - `superseded`: objects at a store that a manifest there names as replaced, since when; deleted a day later. With
///   `waits_for` none names it yet: it is named once that segment, which replaces it, is listed.
/// - `captures`: per session that a hook told of: when first and last, its path, the agent's process until that is gone, and
///   its end. `foreign_uploads`: what another program's log says that it has sent elsewhere.
/// - `audit`, `refusals`: what became of sessions: CatalogSchema+Audit.swift.
/// - `secret` in `segments` and `superseded`: it holds what newer rules remove, and was replaced for it: from a store it goes as
///   soon as a manifest there does not list it.
/// - `rewrites`: sessions whose segments are to be made anew by the rules in force, until no store has an old one; `settled`: the
///   rules by which all of them are made anew here.
/// - `quarantine`: segments that a store refused for good; their copies go on waiting, and nobody puts them. `dropped`: somebody
///   said that the store is not to have it; then nothing waits, and the segment may leave the spool without it.
/// - `whole_files`: per generation of a stream, the file that a store took last where it takes whole files: its lines that had their
///   end, and the SHA-256 of their bytes; `version`: what the store says that it is; `is_head`: of a store with one file of each
///   stream, it is of this generation. Without a digest whatever is there is to be replaced; generation 0 says so of those that
///   have no row.
/// - `endings`: the cursor, as `streams` had it, of each generation but the last of a stream, and the file in which it ended.
/// - `forgotten_sources`: the same of all generations of sessions that were forgotten: their files are nobody else's.
/// - `foreign_entries`: entries of another program's manifest that ours goes on listing, at the store that has them.
///
/// Times are nanoseconds since 1970. Digests are 64 hexadecimal digits.
enum CatalogSchema {
    /// "upld", for file(1) and for knowing our own file.
    static let applicationID: Int64 = 0x7570_6C64
    static var version: Int64 { Int64(migrations.count) }

    /// Never change one that was released: append.
    private static let migrations: [[String]] = [
        [
            "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
            "CREATE TABLE stores (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, active INTEGER NOT NULL)",
            """
            CREATE TABLE sessions (
                id INTEGER PRIMARY KEY, sid TEXT NOT NULL UNIQUE, state TEXT NOT NULL DEFAULT 'open',
                created_at INTEGER NOT NULL, sealed_at INTEGER, facts TEXT NOT NULL, writer TEXT,
                ended_at INTEGER, end_reason TEXT, unresolved TEXT, continues TEXT, extra TEXT,
                kept_size INTEGER, kept_modified INTEGER, kept_extent INTEGER NOT NULL DEFAULT -1)
            """,
            "CREATE INDEX sessions_unresolved ON sessions(id) WHERE unresolved IS NOT NULL",
            """
            CREATE TABLE streams (
                id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL REFERENCES sessions(id), name TEXT NOT NULL,
                kind TEXT NOT NULL DEFAULT '', agent TEXT, root TEXT, path TEXT, agent_id TEXT,
                generation INTEGER NOT NULL, offset INTEGER NOT NULL, line INTEGER NOT NULL, next_seq INTEGER NOT NULL,
                head_length INTEGER NOT NULL, head_mac TEXT, tail_length INTEGER NOT NULL, tail_mac TEXT,
                device INTEGER NOT NULL, inode INTEGER NOT NULL, birth INTEGER NOT NULL, chain_state BLOB NOT NULL,
                partial_end INTEGER, verified INTEGER NOT NULL,
                base_offset INTEGER NOT NULL DEFAULT 0, base_line INTEGER NOT NULL DEFAULT 0,
                recut_end INTEGER NOT NULL DEFAULT 0,
                segments INTEGER NOT NULL DEFAULT 0, lines INTEGER NOT NULL DEFAULT 0,
                bytes INTEGER NOT NULL DEFAULT 0, stored_bytes INTEGER NOT NULL DEFAULT 0,
                unmerged INTEGER NOT NULL DEFAULT 0,
                UNIQUE (session_id, name))
            """,
            "CREATE INDEX streams_source ON streams(root, path)",
            "CREATE INDEX streams_unmerged ON streams(unmerged) WHERE unmerged > 1",
            """
            CREATE TABLE segments (
                id INTEGER PRIMARY KEY AUTOINCREMENT, stream_id INTEGER NOT NULL REFERENCES streams(id),
                generation INTEGER NOT NULL, seq INTEGER NOT NULL, first_line INTEGER NOT NULL, lines INTEGER NOT NULL,
                source_offset INTEGER NOT NULL, source_bytes INTEGER NOT NULL, source_mac TEXT NOT NULL,
                bytes INTEGER NOT NULL, stored_bytes INTEGER NOT NULL, checksum TEXT NOT NULL,
                object_checksum TEXT NOT NULL, chain TEXT, codec TEXT NOT NULL, cut TEXT NOT NULL,
                partial INTEGER NOT NULL, rules TEXT NOT NULL, redactions TEXT, anomalies TEXT, members TEXT,
                source_parts TEXT, first_ts INTEGER, last_ts INTEGER, extra TEXT,
                state INTEGER NOT NULL, superseded_by INTEGER REFERENCES segments(id), sealed_at INTEGER NOT NULL,
                header_bytes INTEGER NOT NULL, reason TEXT,
                UNIQUE (stream_id, seq, object_checksum))
            """,
            "CREATE INDEX segments_place ON segments(stream_id, generation, source_offset)",
            """
            CREATE INDEX segments_live ON segments(stream_id, generation, source_offset) WHERE superseded_by IS NULL
            """,
            "CREATE INDEX segments_parts ON segments(superseded_by) WHERE superseded_by IS NOT NULL",
            "CREATE INDEX segments_spooled ON segments(id) WHERE state = 0",
            "CREATE INDEX segments_lost ON segments(id) WHERE state = 2",
            """
            CREATE TABLE checkpoints (
                segment_id INTEGER NOT NULL REFERENCES segments(id), line INTEGER NOT NULL, record TEXT NOT NULL,
                PRIMARY KEY (segment_id, line)) WITHOUT ROWID
            """,
            """
            CREATE TABLE copies (
                segment_id INTEGER NOT NULL REFERENCES segments(id), store_id INTEGER NOT NULL REFERENCES stores(id),
                session_id INTEGER NOT NULL, state INTEGER NOT NULL, tried INTEGER NOT NULL DEFAULT 0, at INTEGER,
                listed INTEGER NOT NULL DEFAULT 0, spooled INTEGER NOT NULL, superseded_at INTEGER,
                PRIMARY KEY (segment_id, store_id)) WITHOUT ROWID
            """,
            "CREATE INDEX copies_queue ON copies(store_id, session_id, segment_id) WHERE state = 0",
            "CREATE INDEX copies_claimed ON copies(session_id, store_id) WHERE state = 1",
            "CREATE INDEX copies_retirable ON copies(store_id, segment_id) WHERE listed = 1 AND spooled = 1",
            "CREATE INDEX copies_superseded ON copies(store_id, superseded_at) WHERE superseded_at IS NOT NULL",
            """
            CREATE TABLE manifests (
                session_id INTEGER NOT NULL REFERENCES sessions(id), store_id INTEGER NOT NULL REFERENCES stores(id),
                epoch INTEGER NOT NULL DEFAULT 0, digest TEXT, wanted INTEGER NOT NULL DEFAULT 0,
                published INTEGER NOT NULL DEFAULT 0, wanted_at INTEGER NOT NULL, published_at INTEGER,
                PRIMARY KEY (session_id, store_id)) WITHOUT ROWID
            """,
            "CREATE INDEX manifests_behind ON manifests(store_id, wanted_at) WHERE wanted > published",
            """
            CREATE TABLE foreign_entries (
                stream_id INTEGER NOT NULL REFERENCES streams(id), store_id INTEGER NOT NULL REFERENCES stores(id),
                position INTEGER NOT NULL, kind TEXT NOT NULL, entry TEXT NOT NULL,
                PRIMARY KEY (stream_id, store_id, kind, position)) WITHOUT ROWID
            """,
        ],
        [
            // A file that was renamed while nobody looked.
            "CREATE INDEX streams_file ON streams(inode, birth)"
        ],
        [
            // Superseded objects by path, of which the segments may be unknown. What was noted in `copies` is noted again
            // by the next manifest.
            """
            CREATE TABLE superseded (
                store_id INTEGER NOT NULL REFERENCES stores(id), session_id INTEGER NOT NULL REFERENCES sessions(id),
                path TEXT NOT NULL, at INTEGER NOT NULL,
                PRIMARY KEY (session_id, store_id, path)) WITHOUT ROWID
            """,
            "CREATE INDEX superseded_due ON superseded(store_id, at)",
            """
            UPDATE manifests SET wanted = wanted + 1 WHERE EXISTS (SELECT 1 FROM copies c
            WHERE c.session_id = manifests.session_id AND c.store_id = manifests.store_id AND c.superseded_at IS NOT NULL)
            """,
            "DROP INDEX copies_superseded",
            "ALTER TABLE copies DROP COLUMN superseded_at",
        ],
        [
            // What was put and replaced before any manifest named it, and whose rows were lost with an older catalog.
            "ALTER TABLE superseded ADD COLUMN waits_for INTEGER REFERENCES segments(id)",
            "CREATE INDEX superseded_waiting ON superseded(waits_for) WHERE waits_for IS NOT NULL",
            // A file that has another path and another inode: its content is all that is left to know it by.
            "CREATE INDEX streams_head ON streams(head_mac, offset) WHERE head_mac IS NOT NULL",
        ],
        [
            // A segment whose row was lost may have been put, at stores of which this catalog does not know yet.
            "ALTER TABLE segments ADD COLUMN found INTEGER NOT NULL DEFAULT 0",
            "CREATE INDEX segments_found ON segments(id) WHERE found = 1",
        ],
        [
            // What a store was said to have and does not: `state` of its copies is 4 or 5.
            "CREATE INDEX copies_faulty ON copies(store_id, segment_id) WHERE state >= 4"
        ],
        [
            // A gap whose source comes back is cut again.
            "CREATE INDEX segments_gaps ON segments(stream_id, generation) WHERE state = 3"
        ],
        [
            // Sessions of which somebody said something; `sessions.state` is a copy.
            "CREATE TABLE standings (sid TEXT PRIMARY KEY, standing TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID"
        ],
        [
            // Stores in which nothing is left of a session that was forgotten.
            """
            CREATE TABLE erasures (
                sid TEXT NOT NULL, store_id INTEGER NOT NULL REFERENCES stores(id), at INTEGER NOT NULL,
                PRIMARY KEY (sid, store_id)) WITHOUT ROWID
            """,
            "CREATE INDEX standings_forgotten ON standings(sid) WHERE standing = 'forgotten'",
        ],
        [
            // What hooks told of sessions, of which nothing may have been taken yet. `is_due`: the end is not told to the session.
            // `is_waiting`: the path lies below no watched root, and was not looked at since.
            """
            CREATE TABLE captures (
                sid TEXT PRIMARY KEY, agent TEXT NOT NULL, path TEXT, first_at INTEGER NOT NULL, at INTEGER NOT NULL,
                pid INTEGER, pid_started INTEGER, boot TEXT,
                ended_at INTEGER, end_reason TEXT, is_due INTEGER NOT NULL DEFAULT 0,
                is_waiting INTEGER NOT NULL DEFAULT 0, payload TEXT) WITHOUT ROWID
            """,
            """
            CREATE INDEX captures_open ON captures(sid) WHERE pid IS NOT NULL OR is_due = 1 OR is_waiting = 1
            """,
            "CREATE INDEX captures_process ON captures(pid) WHERE pid IS NOT NULL",
            // What another program has sent to where we do not look.
            """
            CREATE TABLE foreign_uploads (
                sid TEXT NOT NULL, path TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (sid, path)) WITHOUT ROWID
            """,
        ],
        // What was sent, skipped, refused, redacted and deleted.
        audit,
        [
            // What today's rules remove, and is in stores yet; and the sessions of which somebody asked that it go.
            "ALTER TABLE segments ADD COLUMN secret INTEGER NOT NULL DEFAULT 0",
            "CREATE INDEX segments_secret ON segments(stream_id) WHERE secret = 1",
            "ALTER TABLE superseded ADD COLUMN secret INTEGER NOT NULL DEFAULT 0",
            "CREATE INDEX superseded_secret ON superseded(store_id, at) WHERE secret = 1",
            """
            CREATE TABLE rewrites (
                session_id INTEGER PRIMARY KEY REFERENCES sessions(id), asked_at INTEGER NOT NULL,
                rewritten INTEGER NOT NULL DEFAULT 0, unchanged INTEGER NOT NULL DEFAULT 0,
                settled TEXT)
            """,
        ],
        // Rows of before have none, and are believed.
        ["ALTER TABLE segments ADD COLUMN row_check INTEGER"],
        [
            // What a store will never take as it is.
            """
            CREATE TABLE quarantine (
                id INTEGER PRIMARY KEY AUTOINCREMENT, segment_id INTEGER NOT NULL REFERENCES segments(id),
                store_id INTEGER NOT NULL REFERENCES stores(id), at INTEGER NOT NULL, reason TEXT NOT NULL, hint TEXT,
                dropped INTEGER NOT NULL DEFAULT 0, UNIQUE (segment_id, store_id))
            """
        ],
        [
            // What stores took that are sent whole files.
            """
            CREATE TABLE whole_files (
                store_id INTEGER NOT NULL REFERENCES stores(id), stream_id INTEGER NOT NULL REFERENCES streams(id),
                generation INTEGER NOT NULL, lines INTEGER NOT NULL, bytes INTEGER NOT NULL, digest TEXT NOT NULL,
                PRIMARY KEY (stream_id, store_id, generation)) WITHOUT ROWID
            """
        ],
        // A check has the header's length in it, too: those of before are made when their rows change, and believed until then.
        ["UPDATE segments SET row_check = NULL"],
        [
            "ALTER TABLE whole_files ADD COLUMN version TEXT",
            "ALTER TABLE whole_files ADD COLUMN is_head INTEGER NOT NULL DEFAULT 0",
        ],
        [
            // Files that may come back under another name.
            """
            CREATE TABLE endings (
                stream_id INTEGER NOT NULL REFERENCES streams(id), generation INTEGER NOT NULL, offset INTEGER NOT NULL,
                head_length INTEGER NOT NULL, head_mac TEXT, tail_length INTEGER NOT NULL, tail_mac TEXT,
                device INTEGER NOT NULL, inode INTEGER NOT NULL, birth INTEGER NOT NULL, partial_end INTEGER,
                PRIMARY KEY (stream_id, generation)) WITHOUT ROWID
            """,
            "CREATE INDEX endings_file ON endings(inode, birth)",
        ],
        [
            // What was forgotten may lie under a name of which nobody knows that.
            """
            CREATE TABLE forgotten_sources (
                sid TEXT NOT NULL, stream TEXT NOT NULL, generation INTEGER NOT NULL, offset INTEGER NOT NULL,
                head_length INTEGER NOT NULL, head_mac TEXT, tail_length INTEGER NOT NULL, tail_mac TEXT,
                device INTEGER NOT NULL, inode INTEGER NOT NULL, birth INTEGER NOT NULL, partial_end INTEGER,
                PRIMARY KEY (sid, stream, generation)) WITHOUT ROWID
            """,
            "CREATE INDEX forgotten_sources_file ON forgotten_sources(inode, birth)",
        ],
        ["CREATE INDEX streams_rebuilt ON streams(id) WHERE verified = 0"],
    ]

    static func migrate(_ catalog: Catalog) throws(StoreError) {
        let from = try catalog.number("PRAGMA user_version")
        for (index, statements) in migrations.enumerated() where Int64(index) >= from {
            try catalog.transaction { () throws(StoreError) in
                for statement in statements { try catalog.run(statement) }
                try catalog.run("PRAGMA application_id = \(applicationID)")
                try catalog.run("PRAGMA user_version = \(index + 1)")
            }
        }
    }
}
