/// What became of sessions, noted by the database itself: each row is written by a trigger, in the transaction that makes it
/// true, whoever makes that. What has no row of its own, an attempt that failed, is noted beside it in the same transaction.
///
/// - `audit`: a sum per session, store (empty: here), outcome and reason, so it grows with sessions and not with what happens to
///   them. `outcome`: `sent` (an object that the store confirmed), `resent` (one that replaces others there: joined, or
///   made whole), `redacted` (by type) and `withheld`, both counted in what is live, `skipped` (what keeps the session here),
///   `failed` and `refused` (attempts, by the error's code), `interrupted` (attempts of which nobody knows how they ended),
///   `deleted`. `times` counts objects, secrets, lines or attempts; `lines` and `bytes` are those of objects that were sent.
/// - `refusals`: what far ends have said no to, in words; the last 10,000.
///
/// Neither holds anything of a session but its id and its file's path; that goes when the session is forgotten.
extension CatalogSchema {
    static let audit: [String] = [
        """
        CREATE TABLE audit (
            sid TEXT NOT NULL, store TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL,
            first_at INTEGER NOT NULL, at INTEGER NOT NULL, times INTEGER NOT NULL,
            lines INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, path TEXT,
            PRIMARY KEY (sid, store, outcome, reason)) WITHOUT ROWID
        """,
        """
        CREATE TABLE refusals (
            id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, sid TEXT NOT NULL, store TEXT NOT NULL,
            code TEXT NOT NULL, message TEXT NOT NULL, times INTEGER NOT NULL, UNIQUE (sid, store, message))
        """,
        """
        CREATE TRIGGER refusals_bound AFTER INSERT ON refusals BEGIN
            DELETE FROM refusals WHERE id <= NEW.id - 10000;
        END
        """,
        "ALTER TABLE standings ADD COLUMN reason TEXT",
        """
        CREATE TRIGGER audit_sent AFTER UPDATE OF state ON copies WHEN OLD.state = 1 AND NEW.state = 2 BEGIN
            INSERT INTO audit (sid, store, outcome, reason, first_at, at, times, lines, bytes)
            SELECT e.sid, r.name, CASE WHEN EXISTS
                (SELECT 1 FROM segments p JOIN copies q ON q.segment_id = p.id AND q.store_id = NEW.store_id
                WHERE p.superseded_by = NEW.segment_id AND q.state <> 0) THEN 'resent' ELSE 'sent' END,
                '', NEW.at, NEW.at, 1, s.lines, s.stored_bytes
            FROM segments s, sessions e, stores r
            WHERE s.id = NEW.segment_id AND e.id = NEW.session_id AND r.id = NEW.store_id
            ON CONFLICT DO UPDATE SET at = max(at, excluded.at), times = times + 1, lines = lines + excluded.lines,
                bytes = bytes + excluded.bytes;
        END
        """,
        """
        CREATE TRIGGER audit_redacted AFTER INSERT ON segments WHEN NEW.redactions IS NOT NULL BEGIN
            INSERT INTO audit (sid, store, outcome, reason, first_at, at, times)
            SELECT e.sid, '', 'redacted', j.key, NEW.sealed_at, NEW.sealed_at, j.value
            FROM json_each(NEW.redactions) j, streams t, sessions e
            WHERE t.id = NEW.stream_id AND e.id = t.session_id
            ON CONFLICT DO UPDATE SET at = max(at, excluded.at), times = times + excluded.times;
        END
        """,
        """
        CREATE TRIGGER audit_withheld AFTER INSERT ON segments
        WHEN json_extract(NEW.anomalies, '$.withheld') > 0 BEGIN
            INSERT INTO audit (sid, store, outcome, reason, first_at, at, times)
            SELECT e.sid, '', 'withheld', '', NEW.sealed_at, NEW.sealed_at, json_extract(NEW.anomalies, '$.withheld')
            FROM streams t, sessions e WHERE t.id = NEW.stream_id AND e.id = t.session_id
            ON CONFLICT DO UPDATE SET at = max(at, excluded.at), times = times + excluded.times;
        END
        """,
        """
        CREATE TRIGGER audit_replaced AFTER UPDATE OF superseded_by ON segments
        WHEN (OLD.superseded_by IS NULL) <> (NEW.superseded_by IS NULL)
            AND (NEW.redactions IS NOT NULL OR NEW.anomalies IS NOT NULL) BEGIN
            UPDATE audit SET times = times + CASE WHEN NEW.superseded_by IS NULL THEN 1 ELSE -1 END
                * coalesce(CASE outcome
                    WHEN 'redacted' THEN (SELECT value FROM json_each(NEW.redactions) WHERE key = audit.reason)
                    ELSE json_extract(NEW.anomalies, '$.withheld') END, 0)
            WHERE store = '' AND outcome IN ('redacted', 'withheld') AND sid =
                (SELECT e.sid FROM streams t JOIN sessions e ON e.id = t.session_id
                WHERE t.id = NEW.stream_id AND e.state <> 'forgotten');
        END
        """,
        """
        CREATE TRIGGER audit_skipped AFTER INSERT ON standings WHEN NEW.standing <> 'open' BEGIN
            INSERT INTO audit (sid, store, outcome, reason, first_at, at, times)
            VALUES (NEW.sid, '', 'skipped', NEW.standing || coalesce(': ' || NEW.reason, ''), NEW.at, NEW.at, 1)
            ON CONFLICT DO UPDATE SET at = max(at, excluded.at), times = times + 1;
        END
        """,
        """
        CREATE TRIGGER audit_skipped_again AFTER UPDATE OF standing ON standings
        WHEN NEW.standing <> 'open' AND NEW.standing <> OLD.standing BEGIN
            INSERT INTO audit (sid, store, outcome, reason, first_at, at, times)
            VALUES (NEW.sid, '', 'skipped', NEW.standing || coalesce(': ' || NEW.reason, ''), NEW.at, NEW.at, 1)
            ON CONFLICT DO UPDATE SET at = max(at, excluded.at), times = times + 1;
        END
        """,
        """
        CREATE TRIGGER audit_erased AFTER INSERT ON erasures BEGIN
            INSERT INTO audit (sid, store, outcome, reason, first_at, at, times)
            SELECT NEW.sid, r.name, 'deleted', 'forgotten', NEW.at, NEW.at, 1 FROM stores r WHERE r.id = NEW.store_id
            ON CONFLICT DO UPDATE SET at = max(at, excluded.at), times = times + 1;
        END
        """,
        """
        INSERT INTO audit (sid, store, outcome, reason, first_at, at, times, lines, bytes)
        SELECT e.sid, r.name, 'sent', '', min(c.at), max(c.at), count(*), sum(s.lines), sum(s.stored_bytes)
        FROM copies c JOIN segments s ON s.id = c.segment_id JOIN sessions e ON e.id = c.session_id
        JOIN stores r ON r.id = c.store_id WHERE c.state = 2 AND c.at IS NOT NULL AND s.superseded_by IS NULL GROUP BY e.sid, r.name
        """,
        """
        INSERT INTO audit (sid, store, outcome, reason, first_at, at, times)
        SELECT e.sid, '', 'redacted', j.key, min(s.sealed_at), max(s.sealed_at), sum(j.value)
        FROM segments s JOIN streams t ON t.id = s.stream_id JOIN sessions e ON e.id = t.session_id, json_each(s.redactions) j
        WHERE s.superseded_by IS NULL GROUP BY e.sid, j.key
        """,
        """
        INSERT INTO audit (sid, store, outcome, reason, first_at, at, times)
        SELECT e.sid, '', 'withheld', '', min(s.sealed_at), max(s.sealed_at), sum(json_extract(s.anomalies, '$.withheld'))
        FROM segments s JOIN streams t ON t.id = s.stream_id JOIN sessions e ON e.id = t.session_id
        WHERE s.superseded_by IS NULL AND json_extract(s.anomalies, '$.withheld') > 0 GROUP BY e.sid
        """,
        """
        INSERT INTO audit (sid, store, outcome, reason, first_at, at, times)
        SELECT sid, '', 'skipped', standing, at, at, 1 FROM standings WHERE standing <> 'open'
        """,
        """
        INSERT INTO audit (sid, store, outcome, reason, first_at, at, times)
        SELECT d.sid, r.name, 'deleted', 'forgotten', d.at, d.at, 1 FROM erasures d JOIN stores r ON r.id = d.store_id
        """,
    ]
}
