package import Shared

/// A source as a scan saw it.
package struct SettledQuery: Sendable {
    package var root: String
    package var relativePath: String
    /// In bytes.
    package var size: Int64
    /// Nanoseconds since 1970.
    package var modified: Int64
    package var identity: FileIdentity

    package init(root: String, relativePath: String, size: Int64, modified: Int64, identity: FileIdentity) {
        self.root = root
        self.relativePath = relativePath
        self.size = size
        self.modified = modified
        self.identity = identity
    }
}

/// How much of a source is in durable segments.
package struct TakenSource: Sendable, Hashable {
    /// Source bytes of its newest generation.
    package var bytes: Int64
    /// There is nothing to take, as far as size, file and time of change tell.
    package var isSettled: Bool
}

extension Store {
    /// What is taken of these sources, in their order; one question for a whole scan's batch.
    ///
    /// - Parameter since: a source that changed then or later is never settled: it may have the same size and other bytes.
    package func taken(of sources: [SettledQuery], unchangedSince since: WallTime?) throws(StoreError) -> [TakenSource]
    {
        try catalog().reading { () throws(StoreError) in try look(at: sources, since) }
    }

    private func look(at sources: [SettledQuery], _ since: WallTime?) throws(StoreError) -> [TakenSource] {
        let catalog = try catalog()
        // Their sources are looked into: what is missing may be there again.
        let gaps = Set(
            try catalog.rows(
                """
                SELECT DISTINCT g.stream_id FROM segments g INDEXED BY segments_gaps CROSS JOIN streams t
                ON t.id = g.stream_id AND t.generation = g.generation WHERE g.state = 3 AND g.superseded_by IS NULL
                """
            ) { (row) throws(StoreError) in row.int64(0) })
        var all: [TakenSource] = []
        all.reserveCapacity(sources.count)
        for source in sources {
            guard let row = try catalog.stream(root: source.root, relativePath: source.relativePath) else {
                all.append(TakenSource(bytes: 0, isSettled: source.size == 0))
                continue
            }
            let taken = row.cursor.partialEnd ?? row.cursor.offset
            let isQuiet = since.map { source.modified < $0.nanoseconds } ?? false
            let isSettled =
                isQuiet && row.isVerified && taken == source.size && row.cursor.file == source.identity
                && !gaps.contains(row.id)
            all.append(TakenSource(bytes: taken, isSettled: isSettled))
        }
        return all
    }

    /// The id under which the session's manifest is ours: of the life in which it began, else of this one.
    package func writer(of session: SessionID) throws(StoreError) -> String {
        let own = try catalog().row("SELECT writer FROM sessions WHERE sid = ?1", session) {
            (row) throws(StoreError) in row.optionalText(0)
        }
        if let own = own ?? nil, !own.isEmpty { return own }
        return try writer()
    }

    /// Whether another program's entries stand before ours in the stream's manifest.
    package func hasForeignEntries(_ stream: StreamKey) throws(StoreError) -> Bool {
        guard let row = try catalog().stream(stream) else { return false }
        return row.baseOffset > 0
    }

    /// How many sessions there are, and of how many nothing may be cut.
    package func counts() throws(StoreError) -> (sessions: Int, unresolved: Int) {
        let catalog = try catalog()
        return (
            Int(try catalog.number("SELECT count(*) FROM sessions")),
            Int(
                try catalog.number(
                    "SELECT count(*) FROM sessions INDEXED BY sessions_unresolved WHERE unresolved IS NOT NULL"))
        )
    }
}
