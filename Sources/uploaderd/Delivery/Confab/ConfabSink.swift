import Digests
package import Shared
import Synchronization

/// Sessions at a confab server, line by line.
///
/// The server counts the lines of each file, and takes only the next ones; so what it has says what is to be sent, and after
/// any doubt (no answer, another count, a lost catalog) it is asked again. Manifests stay here; what they tell of a session the
/// server is told in its own words (`ConfabSink+Telling`), and its lines are read back (`ConfabSink+Reading`).
package final class ConfabSink: LineSink {
    /// What became of a session that nobody waits for: a line that was too long, a link that was refused.
    package typealias Noting = @Sendable (_ session: SessionID, _ message: String, _ hint: String?) -> Void
    /// - Returns: what a hook was given at the session's end, redacted; `nil`: there was none.
    package typealias Ends = @Sendable (SessionID) async throws(DeliveryError) -> JSONValue?

    struct Known: Sendable {
        var session: ConfabServer.Session
        /// When the server said so.
        var at: Instant
        var told = ConfabTold()
    }

    let server: ConfabServer
    let note: Noting
    let ends: Ends
    /// Where lines are unpacked and bodies are made.
    let worker: any RoomExecutor
    private let known = Mutex<[SessionID: Known]>([:])
    private let takes = Mutex<(ConfabServer.Capabilities, at: Instant)?>(nil)
    /// In bytes, of a chunk: less as soon as somebody in front of the server takes less, for the life of the process.
    private let limit = Mutex(ConfabChunk.mostBytes)
    private let time: any TimeSource

    package init(
        url: String, client: any HTTPClient, key: BearerKey, time: any TimeSource, workingOn worker: any RoomExecutor,
        noting note: @escaping Noting, ends: @escaping Ends
    ) {
        server = ConfabServer(url, client: client, key: key, time: time)
        self.time = time
        self.worker = worker
        self.note = note
        self.ends = ends
    }

    package var lane: (any TaskExecutor)? { nil }
    package var isReadable: Bool { false }

    // MARK: The store

    /// The server has no id: its address is one.
    package func open(proposing id: StoreID, known: StoreID?) async throws(DeliveryError) -> StoreID {
        try await server.validate()
        return identity
    }

    package func store(known: StoreID?) -> StoreID? { known }

    private var identity: StoreID {
        StoreID(String(RunningDigest.digest(of: Array("confab \(server.url)".utf8)).hex.prefix(32)))
    }

    // MARK: Lines

    package func deliver(_ segment: OutgoingSegment) async throws(DeliveryError) {
        try await withTaskExecutorPreference(worker) { () async throws(DeliveryError) in try await send(segment) }
    }

    /// More than this, and somebody else writes the same file.
    private static let mostTurns = 64

    @concurrent
    private func send(_ segment: OutgoingSegment) async throws(DeliveryError) {
        let record = segment.record
        let session = record.stream.session
        let facts = segment.facts ?? SessionFacts()
        let file = ConfabFile(record.stream.stream, of: session, generation: record.generation, facts)
        try await requireTaken(file)
        var isChecked = false
        var tooLong: Set<Int> = []
        for _ in 0..<Self.mostTurns {
            let there = try await begun(session, facts)
            let last = there.files[file.name] ?? 0
            if last >= record.lastLine { return }
            if last < record.firstLine - 1, !segment.followsLost {
                throw DeliveryError(
                    .conflict,
                    "\(server.url) has \(last) lines of \(file.name) of session \(session), and was sent more",
                    hint:
                        "was the session deleted there, the server put back from a backup, or the key another user's?",
                    missingLines: last + 1...record.firstLine - 1)
            }
            if !isChecked {
                try LineFeed.check(segment.bytes, of: record)
                isChecked = true
            }
            switch try await send(segment, file, there, from: last + 1, tooLong, facts) {
            case .done: return
            case .again: forget(session)
            case .shorter: break
            case .without(let line): tooLong.insert(line)
            }
        }
        throw DeliveryError(
            .transient, "the lines of \(file.name) of session \(session) change at \(server.url) meanwhile")
    }

    private enum Turn {
        case done
        /// The server is to be asked what it has.
        case again
        /// In shorter chunks.
        case shorter
        /// This line is too long for it.
        case without(Int)
    }

    /// - Parameters:
    ///   - first: the line that the server has not got.
    ///   - tooLong: lines that it does not take.
    private func send(
        _ segment: OutgoingSegment, _ file: ConfabFile, _ there: ConfabServer.Session, from first: Int,
        _ tooLong: Set<Int>, _ facts: SessionFacts
    ) async throws(DeliveryError) -> Turn {
        let record = segment.record
        var feed = try LineFeed(segment.bytes, of: record, longest: ConfabChunk.mostBytes)
        for _ in record.firstLine..<max(first, record.firstLine) { _ = try feed.next() }
        var chunk = ConfabChunk(firstLine: first, limit: limit.withLock { $0 })
        var line = first
        while line <= record.lastLine {
            let bytes: [UInt8]
            if line < record.firstLine {
                bytes = Self.standIn(bytes: 0, "lost")
            } else if let next = try feed.next() {
                switch next {
                case .bytes(let found) where !tooLong.contains(line): bytes = found
                case .bytes(let found): bytes = withheld(line, Int64(found.count), file, record)
                case .tooLong(let size): bytes = withheld(line, size, file, record)
                }
            } else {
                throw DeliveryError(.transient, "\(record.objectPath) has not the lines that it should have")
            }
            if !chunk.add(bytes) {
                if chunk.lines > 0 {
                    let turn = try await put(chunk, file, record, there, facts)
                    guard case .done = turn else { return turn }
                    chunk = ConfabChunk(firstLine: line, limit: limit.withLock { $0 })
                }
                // It may not fit alone either.
                if !chunk.add(bytes), !chunk.add(withheld(line, Int64(bytes.count), file, record)) {
                    throw DeliveryError(
                        .permanent, "line \(line) of \(file.name) cannot be sent, nor what stands for it")
                }
            }
            line += 1
        }
        return chunk.lines == 0 ? .done : try await put(chunk, file, record, there, facts)
    }

    private func put(
        _ chunk: ConfabChunk, _ file: ConfabFile, _ record: SegmentRecord, _ there: ConfabServer.Session,
        _ facts: SessionFacts
    ) async throws(DeliveryError) -> Turn {
        let session = record.stream.session
        let metadata = file.kind == .transcript ? ConfabMetadata(chunk, facts).text : nil
        let last = chunk.firstLine + chunk.lines - 1
        let result: Result<Int, ConfabRefusal>
        do throws(DeliveryError) {
            result = try await server.append(chunk, to: file, in: there.id, metadata: metadata)
        } catch {
            // It may have them all the same.
            forget(session)
            throw error
        }
        switch result {
        case .success(let now):
            guard now == last else { return .again }
            known.withLock { $0[session]?.session.files[file.name] = last }
            return .done
        case .failure(let refusal):
            switch refusal.meaning {
            case .notContiguous: return .again
            case .tooLong where chunk.lines > 1:
                limit.withLock { $0 = max(1024, min($0, chunk.size) / 2) }
                return .shorter
            case .tooLong: return .without(last)
            case .absent, .wrongKey, .exists, .invalid, .redirect, .proxyRefuses: forget(session)
            // Nothing was done.
            case .busy: break
            }
            throw refusal.error
        }
    }

    /// What stands for a line that the server cannot have, so that the numbers of the others hold.
    static func standIn(bytes: Int64, _ reason: String) -> [UInt8] {
        Array("{\"type\":\"uploaderd.withheld\",\"bytes\":\(bytes),\"reason\":\"\(reason)\"}".utf8)
    }

    private func withheld(_ line: Int, _ bytes: Int64, _ file: ConfabFile, _ record: SegmentRecord) -> [UInt8] {
        let session = record.stream.session
        note(
            session,
            "line \(line) of \(file.name) of session \(session) is too long for \(server.url): a line that says so goes there "
                + "in its place",
            "it has \(bytes) bytes; another destination has it whole")
        return Self.standIn(bytes: bytes, "too_long")
    }

    // MARK: What is known

    /// The session as the server has it.
    ///
    /// - Parameter age: what it said longer ago is asked for again.
    func begun(
        _ session: SessionID, _ facts: SessionFacts, notBefore age: Duration = .seconds(1 << 30)
    ) async throws(DeliveryError) -> ConfabServer.Session {
        let now = time.now
        if let kept = known.withLock({ $0[session] }), now - kept.at <= age { return kept.session }
        let there = try await server.begin(session, facts)
        known.withLock { known in
            // Asking again costs a request; knowing every session for ever costs memory.
            if known.count > 4096 { known.removeAll() }
            var kept = known[session] ?? Known(session: there, at: now)
            (kept.session, kept.at) = (there, now)
            known[session] = kept
        }
        return there
    }

    func told(of session: SessionID) -> ConfabTold { known.withLock { $0[session]?.told ?? ConfabTold() } }

    func noteTold(_ told: ConfabTold, of session: SessionID) { known.withLock { $0[session]?.told = told } }

    /// In doubt the server is asked what it has.
    func forget(_ session: SessionID) { known.withLock { _ = $0.removeValue(forKey: session) } }

    /// How long an answer counts that a server does not take something.
    private static let untilAskedAgain: Duration = .seconds(240)

    private func requireTaken(_ file: ConfabFile) async throws(DeliveryError) {
        guard file.isOfWorkflow else { return }
        var kept = takes.withLock { $0 }
        if kept.map({ time.now - $0.at > Self.untilAskedAgain }) ?? true {
            kept = (try await server.capabilities(), at: time.now)
            takes.withLock { $0 = kept }
        }
        guard let taken = kept?.0 else { return }
        guard file.kind == .journal ? taken.workflowJournal : taken.workflowFiles else {
            throw DeliveryError(
                .permanent, "\(server.url) does not take \(file.name): it has no files of workflows",
                hint: "a newer server does; they are offered to it again, and stay in the spool until then")
        }
    }

    // MARK: What it has not got

    /// A checkpoint is a line among the others.
    package func deliver(_ checkpoint: CheckpointRecord, writer: String, place: WriterPlace) {}
    package func version(of session: SessionID, writer: String, place: WriterPlace) -> ObjectVersion? { nil }
    package func manifest(of session: SessionID, writer: String, place: WriterPlace) -> [UInt8]? { nil }
    package func readings(of session: SessionID, besides folder: String?) -> [Result<FoundManifest, DeliveryError>] {
        []
    }
    package func isForgotten(_ session: SessionID) -> Bool { false }
    package func entomb(_ session: SessionID, _ tombstone: [UInt8]) {}
    package func erase(_ session: SessionID, manifestsOnly: Bool) throws(DeliveryError) {
        throw DeliveryError(
            .permanent,
            "what was sent of session \(session) cannot be deleted from here: \(server.url) takes only lines",
            hint: "delete the session there yourself")
    }
    package func eachManifest(_ body: @Sendable (Result<FoundManifest, DeliveryError>) async throws -> Void) {}
    /// What is superseded has no object there, and its lines are those of what replaced it.
    package func delete(_ relativePath: String, in folder: String) {}
    package func folder(of session: SessionID, writer: String, place: WriterPlace) -> String {
        "\(StoreName.escaped(session.rawValue))/"
    }
}
