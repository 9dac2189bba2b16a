import Delivery
import Segments
import Shared
import Store

/// Reads a session's lines back in order: what the catalog knows from the spool and the stores, joined with what the stores
/// have of other writers; or what the manifests of one store say, which needs no catalog.
struct ReplayService: Sendable {
    let store: Store
    let objects: ObjectFinder
    /// The names of those that are configured, whether they are open or not.
    var destinations: [String] = []

    /// - Parameters:
    ///   - generation: `nil`: the last one.
    ///   - from: a destination's name; `nil`: whatever is known, in all stores that can be read now.
    ///   - isOwn: only what this machine's catalog knows.
    func volume(
        of session: SessionID, _ stream: StreamName, generation: Int?, from: String?, isOwn: Bool = false
    ) async throws(ControlError) -> Volume {
        do {
            if try await store.standing(of: session) == .forgotten {
                throw ControlError(.noMatch, "session \(session) was forgotten: nothing of it is left to be read")
            }
            let branches: [WriterBranch]
            let streams: [StreamName]
            var unread: [String] = []
            if let from {
                (branches, streams) = try await stored(session, stream, from)
            } else {
                (branches, streams, unread) = try await known(session, stream, isOwn: isOwn)
            }
            guard streams.contains(stream) else { throw Self.noStream(stream, of: session, streams) }
            let join = WriterJoin(branches, of: stream)
            guard generation.map({ (1...max(1, join.lastGeneration)).contains($0) }) ?? true else {
                throw Self.noGeneration(generation ?? 0, of: StreamKey(session: session, stream: stream))
            }
            var volume = try await join.volume(generation: generation ?? max(1, join.lastGeneration)) {
                try await CommonLines(of: $0, and: $1)
            }
            volume.unread = unread
            return volume
        } catch let error as ControlError {
            throw error
        } catch let error as SegmentError where error.code == .damaged {
            throw Self.damaged(error)
        } catch let error as StoreError where error.code == .closed {
            throw ControlError(error)
        } catch {
            throw ControlError(.backendError, "could not read what is known of session \(session): \(error)")
        }
    }

    // MARK: What there is

    private func known(
        _ session: SessionID, _ stream: StreamName, isOwn: Bool
    ) async throws -> (branches: [WriterBranch], streams: [StreamName], unread: [String]) {
        let own = try await store.writer(of: session)
        let (others, faults) = isOwn ? ([], []) : try await others(of: session)
        let unread = faults.map(\.sentence)
        var branches = others.map { $0.branch(of: stream, objects) }
        var streams = Set(others.flatMap(\.manifest.streamNames))
        if let description = try await store.describe(session) {
            streams.formUnion(description.streams.map(\.stream.stream))
            let key = StreamKey(session: session, stream: stream)
            let cursor = description.streams.first { $0.stream == key }?.cursor
            let origin = WriterBranch.Origin(try await store.continues(of: session))
            branches.append(
                WriterBranch(
                    writer: own, isFirst: origin == nil, createdAt: RFC3339.text(description.summary.createdAt),
                    origin: origin, lastGeneration: cursor?.generation ?? 0
                ) { generation in
                    try await ownParts(of: key, generation)
                } checkpoints: { generation, _ in
                    try await store.mergeInput(of: key).checkpoints.filter { $0.generation == generation }.map {
                        Volume.Checkpoint(id: $0.id, line: $0.line)
                    }
                })
        } else if branches.isEmpty {
            guard unread.isEmpty else {
                throw ControlError(
                    .damaged, unread.joined(separator: "; "), hint: "repair that object, or put it back from a copy")
            }
            throw Self.noSession(session)
        }
        return (branches, streams.sorted(), unread)
    }

    /// What other writers have of the session, in the stores that can be read now.
    ///
    /// A store that does not answer adds nothing, and its own health entry says so: what is here is not to wait for it.
    ///
    /// - Returns: also of each manifest that is damaged the destination, and a sentence; health says it, too.
    func others(
        of session: SessionID
    ) async throws(ControlError) -> (writers: [WriterManifest], unread: [(destination: String, sentence: String)]) {
        let own: String
        do throws(StoreError) {
            own = try await store.writer(of: session)
        } catch {
            throw ControlError(error)
        }
        typealias Reading = Result<WriterManifest.Holding, DeliveryError>
        var holdings: [WriterManifest.Holding] = []
        var unread: [(destination: String, sentence: String)] = []
        for (_, shelf) in objects.readable {
            let lane = objects.world.lane(of: session)
            let answer = await Patience.wait(Patience.withStore, objects.world) { () -> [Reading]? in
                await withTaskExecutorPreference(lane) {
                    do throws(DeliveryError) {
                        return try await WriterManifest.Holding.others(of: session, on: shelf, than: own)
                    } catch { return nil }
                }
            }
            guard let readings = answer ?? nil else { continue }
            var faults: [DeliveryError] = []
            for reading in readings {
                switch reading {
                case .success(let holding): holdings.append(holding)
                case .failure(let error): faults.append(error)
                }
            }
            // One that needs a newer version is under the same subject, and stays.
            if !faults.isEmpty || !holdings.contains(where: { $0.found.manifest.unknownNeeds != nil }) {
                unread += objects.note(faults, ofManifestsOf: session, on: shelf).map { (shelf.name, $0) }
            }
        }
        return (WriterManifest.all(of: session, in: holdings), unread)
    }

    private func ownParts(of key: StreamKey, _ generation: Int) async throws -> [Volume.Part] {
        var parts = generation == 1 ? try await foreignParts(of: key) : []
        for segment in try await store.segments(of: key, generation: generation) {
            let isThere = segment.state == .spooled || segment.state == .retired
            if let sink = objects.lineSink(with: segment) {
                let part = Volume.Part(SegmentOutline(linesOf: segment.record), isPartial: segment.record.partial) {
                    [objects] in try await objects.lines(of: segment, from: sink)
                }
                if let part { parts.append(part) }
                continue
            }
            let part = Volume.Part(
                SegmentOutline(segment.record), isThere: isThere, isPartial: segment.record.partial
            ) { [objects] in
                try await objects.bytes(of: segment.id, segment.record, holders: segment.holders)
            }
            if let part { parts.append(part) }
        }
        return parts
    }

    /// What another program uploaded before us stands only in the manifests.
    func foreignParts(of key: StreamKey) async throws -> [Volume.Part] {
        guard try await store.hasForeignEntries(key) else { return [] }
        var obstacle: DeliveryError?
        for (_, shelf) in objects.readable {
            let holdings: [WriterManifest.Holding]
            do throws(DeliveryError) {
                holdings = try await WriterManifest.Holding.all(of: key.session, on: shelf)
            } catch {
                obstacle = obstacle ?? error  // another store may have them, too
                continue
            }
            for found in WriterManifest.all(of: key.session, in: holdings) {
                let foreign = found.manifest.entries(of: key.stream).segments.filter { $0.generation == nil }
                if !foreign.isEmpty { return found.parts(foreign, of: key.stream, objects) }
            }
        }
        throw obstacle
            ?? DeliveryError(.transient, "the store that has the first lines of \(key) cannot be read now")
    }

    private func stored(
        _ session: SessionID, _ stream: StreamName, _ name: String
    ) async throws -> (branches: [WriterBranch], streams: [StreamName]) {
        guard let id = objects.id(named: name), let shelf = objects.shelf(id) else {
            let open = objects.readable.map(\.shelf.name)
            guard destinations.contains(name) else {
                let names = Set(destinations).union(open).sorted()
                throw ControlError(
                    .noMatch, "there is no destination \(name)",
                    hint: names.isEmpty ? "none is configured" : "there is " + names.joined(separator: ", "))
            }
            throw ControlError(
                .backendError, "destination \(name) is not open",
                hint: open.isEmpty ? "uploaderctl status says why" : "open now: \(open.joined(separator: ", "))")
        }
        if shelf.sink is any WholeFileSink {
            throw ControlError(
                .backendError, "destination \(name) gives no files back: what it has cannot be read from here",
                hint: "without --from the lines come from wherever they can be read"
                    + (shelf.sink is HistorySink ? "; uploaderctl resolve reads what it has" : ""))
        }
        var holdings = try await WriterManifest.Holding.all(of: session, on: shelf)
        if let sink = shelf.sink as? any LineSink, let facts = try await objects.factsToTell(of: session),
            let found = try await sink.transcript(of: session, facts)
        {
            holdings.append(WriterManifest.Holding(found, on: shelf))
        }
        guard !holdings.isEmpty else { throw Self.noSession(session, in: name) }
        let own = try await store.writer(of: session)
        for index in holdings.indices where holdings[index].found.manifest.writer == own {
            holdings[index].place = { [store] stream, entry in
                ObjectCopy.Place(store: id) { try await store.segment(listedAs: entry, of: stream) }
            }
        }
        let writers = WriterManifest.all(of: session, in: holdings)
        return (
            writers.map { $0.branch(of: stream, objects) }, Set(writers.flatMap(\.manifest.streamNames)).sorted()
        )
    }

    // MARK: Sending

    /// Sends the lines in order, in pieces of at most 256 KiB.
    ///
    /// - Parameters:
    ///   - lines: 1-based, both included; `nil`: all.
    ///   - again: finds the same once more. What is read may be joined to another object meanwhile, and leave the spool.
    ///   - body: is given pieces, and where each begins in what there is of the generation.
    func send(
        _ volume: Volume, lines: ClosedRange<Int>?, again: () async throws(ControlError) -> Volume,
        to body: (Int64, [UInt8]) async throws(ControlError) -> Void
    ) async throws(ControlError) {
        var next = 1
        var offset: Int64 = 0
        for part in volume.parts {
            if let lines, lines.upperBound < next { break }
            if part.firstLine > next || !part.isThere {
                let missing = next...max(next, part.isThere ? part.firstLine - 1 : part.lastLine)
                guard lines.map({ !$0.overlaps(missing) }) ?? false else { throw Self.missing(missing, in: volume) }
            }
            next = part.lastLine + 1
            guard part.isThere else { continue }
            let range = part.firstLine...part.lastLine
            let wanted = lines.map { $0.overlaps(range) ? $0.clamped(to: range) : nil } ?? range
            var isBegun = false
            do {
                if let wanted {
                    let shift = part.lines.lowerBound - part.firstLine
                    try await send(part, wanted.lowerBound + shift...wanted.upperBound + shift, from: offset) {
                        (offset, bytes) throws(ControlError) in
                        isBegun = true
                        try await body(offset, bytes)
                    }
                }
                offset += try await length(of: part)
            } catch let error as ControlError {
                throw error
            } catch {
                // What is missing or damaged, too, may have been replaced and deleted since it was looked up.
                if !isBegun, let now = try await again().renewing(part) {
                    let left = max(lines?.lowerBound ?? 1, part.firstLine)...(lines?.upperBound ?? volume.lines)
                    return try await send(now, lines: left, again: again, to: body)
                }
                if let error = error as? SegmentError, error.code == .damaged { throw Self.damaged(error) }
                throw ControlError(.backendError, "could not read \(part.outline.name): \(error)")
            }
        }
    }

    /// In uncompressed bytes.
    func length(of part: Volume.Part) async throws -> Int64 {
        if part.isWhole, let bytes = part.outline.bytes { return bytes }
        return try await part.offset(of: part.lines.upperBound + 1) - part.offset(of: part.lines.lowerBound)
    }

    /// - Parameters:
    ///   - lines: as they count in the object.
    ///   - offset: where the part begins.
    private func send(
        _ part: Volume.Part, _ lines: ClosedRange<Int>, from offset: Int64,
        _ body: (Int64, [UInt8]) async throws(ControlError) -> Void
    ) async throws {
        var position = offset
        if lines.lowerBound > part.lines.lowerBound {
            position += try await part.offset(of: lines.lowerBound) - part.offset(of: part.lines.lowerBound)
        }
        let isWhole = part.isWhole && lines == part.lines
        var reader = try MemberReader(part.outline, object: try await part.bytes(), lines: isWhole ? nil : lines)
        while let piece = try reader.next() {
            try await body(position, Array(piece))
            position += Int64(piece.count)
            await Task.yield()
        }
    }
}
