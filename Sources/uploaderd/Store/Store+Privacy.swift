package import Shared

/// A session of which somebody said something.
package struct KnownStanding: Sendable, Hashable {
    package var session: SessionID
    package var standing: SessionStanding
    package var at: WallTime
}

/// Which sessions nothing may leave of. The files say it, and the table `standings` is a copy of them, which a claim asks in its
/// transaction: what either closes is closed, and only a line of the file opens it again.
extension Store {
    /// `open` unless somebody said something else.
    package func standing(of session: SessionID) throws(StoreError) -> SessionStanding {
        try catalog().row("SELECT standing FROM standings WHERE sid = ?1", session) { (row) throws(StoreError) in
            try row.standing(0)
        } ?? .open
    }

    /// - Throws: `notOpen` when nothing of the session may be taken.
    package func requireOpen(_ session: SessionID) throws(StoreError) {
        let standing = try standing(of: session)
        guard standing != .open else { return }
        throw StoreError(.notOpen, "nothing of session \(session) is taken: it is \(standing.rawValue)")
    }

    /// Those that are not open and come after `after`, in the order of their ids.
    package func standings(after: SessionID? = nil, limit: Int = .max) throws(StoreError) -> [KnownStanding] {
        try catalog().rows(
            """
            SELECT sid, standing, at FROM standings WHERE sid > coalesce(?1, '') AND standing <> 'open'
            ORDER BY sid LIMIT ?2
            """, after, limit
        ) { (row) throws(StoreError) in
            KnownStanding(
                session: try row.session(0), standing: try row.standing(1), at: WallTime(nanoseconds: row.int64(2)))
        }
    }

    /// From now on the session is private, or open again: durable when this returns. What had departed before may still arrive,
    /// `departures` says until when; nothing departs after it.
    ///
    /// - Returns: whether that is another standing than it had.
    /// - Throws: `notOpen` for a session that was forgotten; `damaged` while the lists cannot be relied on.
    package func say(_ standing: SessionStanding, of session: SessionID) throws(StoreError) -> Bool {
        if let fault = standingsFault { throw fault }
        let known = try self.standing(of: session)
        if known == .forgotten, standing == .forgotten { return false }
        guard known != .forgotten else {
            throw StoreError(.notOpen, "session \(session) was forgotten, and that is for good")
        }
        guard known != standing else { return false }
        let list = StandingList.of(standing, in: directory)
        let entry = StandingList.Entry(at: time.wall, standing: standing, session: session)
        try list.append(entry, isExpected: try value(Self.hasList(list)) != nil)
        faults.reach(standing == .forgotten ? .forgetSaid : .privateSaid)
        // The file says so: should the catalog not be written, nothing departs all the same.
        if standing != .open { unrecorded.insert(session) }
        try catalog().transaction { () throws(StoreError) in
            try setValue(Self.hasList(list), "1")
            try set(entry)
        }
        unrecorded.remove(session)
        return true
    }

    /// Whether somebody said something of it: rules do not judge it then.
    package func isSaid(_ session: SessionID) throws(StoreError) -> Bool {
        try catalog().number(
            "SELECT EXISTS (SELECT 1 FROM standings WHERE sid = ?1 AND standing NOT IN ('excluded', 'undecided'))",
            session)
            != 0
    }

    /// What the rules say of a session; nothing where somebody has said something.
    ///
    /// - Parameter rule: which one, as a sentence.
    /// - Returns: the standing that it has now, and whether that is another one than before.
    @discardableResult
    package func judge(
        _ session: SessionID, as standing: SessionStanding, because rule: String? = nil
    ) throws(StoreError) -> (standing: SessionStanding, isNew: Bool) {
        try judge([(session, standing, rule)])[0]
    }

    /// The same of many, with one commit: there may be a million sessions when rules change.
    package func judge(
        _ verdicts: [(session: SessionID, standing: SessionStanding, rule: String?)]
    ) throws(StoreError) -> [(standing: SessionStanding, isNew: Bool)] {
        let catalog = try catalog()
        var found: [(standing: SessionStanding, isNew: Bool)] = []
        for (session, standing, _) in verdicts {
            let known = try self.standing(of: session)
            var isNew = known != standing
            if isNew { isNew = try !isSaid(session) }
            found.append(isNew ? (standing, true) : (known, false))
        }
        guard found.contains(where: \.isNew) else { return found }
        try catalog.transaction { () throws(StoreError) in
            for ((session, standing, rule), outcome) in zip(verdicts, found) where outcome.isNew {
                if standing == .open {
                    try catalog.run("DELETE FROM standings WHERE sid = ?1", session)
                } else {
                    try catalog.run(
                        """
                        INSERT INTO standings (sid, standing, at, reason) VALUES (?1, ?2, ?3, ?4)
                        ON CONFLICT (sid) DO UPDATE SET standing = ?2, at = ?3, reason = ?4
                        """, session, standing.rawValue, time.wall, rule)
                }
                try catalog.run("UPDATE sessions SET state = ?2 WHERE sid = ?1", session, standing.rawValue)
            }
        }
        return found
    }

    /// Sessions of which the rules could not be applied.
    package func undecided() throws(StoreError) -> [SessionID] {
        try catalog().rows("SELECT sid FROM standings WHERE standing = 'undecided' ORDER BY sid") {
            (row) throws(StoreError) in try row.session(0)
        }
    }

    /// Takes back what rules said of sessions that have no row: their files are judged when they are looked at.
    package func unjudgeUnknown() throws(StoreError) {
        try catalog().run(
            """
            DELETE FROM standings WHERE standing IN ('excluded', 'undecided')
            AND NOT EXISTS (SELECT 1 FROM sessions e WHERE e.sid = standings.sid)
            """)
    }

    /// Sessions that a rule keeps here, and of which a store has something.
    package func excludedAndStored() throws(StoreError) -> [SessionID] {
        try catalog().rows(
            """
            SELECT n.sid FROM standings n JOIN sessions e ON e.sid = n.sid WHERE n.standing = 'excluded' AND EXISTS
                (SELECT 1 FROM streams t CROSS JOIN segments s ON s.stream_id = t.id
                CROSS JOIN copies c ON c.segment_id = s.id WHERE t.session_id = e.id AND c.state = 2) ORDER BY n.sid
            """
        ) { (row) throws(StoreError) in try row.session(0) }
    }

    /// Leave to put something of the session in the store: asked before each put, and ended after it.
    ///
    /// - Returns: `nil`: nothing of it may leave.
    package func depart(_ session: SessionID, to store: StoreID) throws(StoreError) -> Departure? {
        guard standingsFault == nil, !unrecorded.contains(session), try standing(of: session) == .open else {
            return nil
        }
        return departures.begin(session, to: store)
    }

    /// What the files say, at the start; before anything makes a row of a session. A file that cannot be relied on closes
    /// everything, and is said.
    func takeUpStandings() throws(StoreError) {
        for list in [StandingList.privates(in: directory), .forgotten(in: directory)] {
            do throws(StoreError) {
                let isExpected = try value(Self.hasList(list)) != nil
                let entries = try list.read(isExpected: isExpected)
                let inFile = Set(entries.map(\.session))
                // A line that is gone, or was never written: the catalog saw it.
                for lacking in try standings() where list.words.contains(lacking.standing) {
                    guard !inFile.contains(lacking.session) else { continue }
                    let entry = StandingList.Entry(
                        at: lacking.at, standing: lacking.standing, session: lacking.session)
                    try list.append(entry, isExpected: isExpected)
                }
                try catalog().transaction { () throws(StoreError) in
                    if !entries.isEmpty, !isExpected { try setValue(Self.hasList(list), "1") }
                    for entry in entries { try set(entry) }
                }
            } catch {
                guard error.code != .corrupt, error.code != .internalFailure else { throw error }
                standingsFault = error
            }
        }
    }

    /// Inside a transaction. What was forgotten stays so.
    private func set(_ entry: StandingList.Entry) throws(StoreError) {
        try catalog().run(
            """
            INSERT INTO standings (sid, standing, at) VALUES (?1, ?2, ?3)
            ON CONFLICT (sid) DO UPDATE SET standing = ?2, at = ?3, reason = NULL
            WHERE standing <> 'forgotten' AND standing <> ?2
            """, entry.session, entry.standing.rawValue, entry.at)
        try catalog().run(
            "UPDATE sessions SET state = (SELECT standing FROM standings WHERE sid = ?1) WHERE sid = ?1", entry.session)
    }

    private static func hasList(_ list: StandingList) -> String { "standings.\(list.words[0].rawValue)" }
}

extension StandingList {
    static func privates(in directory: StateDirectory) -> StandingList {
        StandingList(path: directory.privates, words: [.private, .open])
    }
    static func forgotten(in directory: StateDirectory) -> StandingList {
        StandingList(path: directory.forgotten, words: [.forgotten])
    }

    static func of(_ standing: SessionStanding, in directory: StateDirectory) -> StandingList {
        switch standing {
        // Of those the files say nothing: only the configuration does.
        case .open, .private, .excluded, .undecided: privates(in: directory)
        case .forgotten: forgotten(in: directory)
        }
    }
}

extension Row {
    func standing(_ column: Int32) throws(StoreError) -> SessionStanding {
        try value(column) { (text) in SessionStanding(rawValue: text) }
    }
}
