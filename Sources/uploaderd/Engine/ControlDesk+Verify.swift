package import ControlPlane
import Delivery
import Digests
import Segments
package import Shared
import Store

extension ControlDesk {
    typealias Verdict = (state: VerifiedRange.State, detail: String?)

    package func verify(
        _ request: VerifyRequest, to sink: ReplySink<[VerifiedRange]>
    ) async throws(ControlError) -> VerifySummary {
        var summary = VerifySummary()
        guard let sid = request.sid else {
            try await eachSession { (session) throws(ControlError) in
                try await verify(session.session, request, &summary, to: sink)
                return true
            }
            return summary
        }
        guard try await asking({ () async throws(StoreError) in try await engine.store.describe(sid) }) != nil else {
            throw ReplayService.noSession(sid)
        }
        try await verify(sid, request, &summary, to: sink)
        return summary
    }

    private func verify(
        _ sid: SessionID, _ request: VerifyRequest, _ summary: inout VerifySummary,
        to sink: ReplySink<[VerifiedRange]>
    ) async throws(ControlError) {
        summary.sessions += 1
        let description = try await asking { () async throws(StoreError) in try await engine.store.describe(sid) }
        let unlisted = await faultsOfManifests(of: sid)
        let isOpen = description?.summary.standing == .open
        for stream in description?.streams ?? [] {
            let segments = try await asking { () async throws(StoreError) in
                try await engine.store.segments(of: stream.stream)
            }
            var chains: [StoreID: ChainWalk] = [:]
            for segment in segments where request.isWanted(segment.record.objectPath, of: sid) {
                let ranges = await verified(segment, isOpen: isOpen, unlisted, request, &chains, &summary)
                for range in ranges { summary.count(range.state) }
                try await sink.send(ranges)
            }
        }
        let others = try await engine.replay.others(of: sid)
        for (destination, sentence) in others.unread {
            // Whose it is, and how many lines it lists, nobody can say.
            let range = VerifiedRange(
                sid: sid, stream: .main, generation: 1, firstLine: 1, lines: 0, destination: destination,
                state: .damaged,
                detail: sentence)
            summary.count(range.state)
            try await sink.send([range])
        }
        for other in others.writers {
            for (stream, entry) in other.manifest.everySegment where request.isWanted(entry.path, of: sid) {
                let ranges = await verified(entry, of: stream, other, request, &summary)
                for range in ranges { summary.count(range.state) }
                try await sink.send(ranges)
            }
        }
    }

    /// One range for each destination that is to have the segment.
    ///
    /// - Parameter unlisted: stores where no reader finds it, though it may be there.
    private func verified(
        _ segment: StoredSegment, isOpen: Bool, _ unlisted: [StoreID: Verdict], _ request: VerifyRequest,
        _ chains: inout [StoreID: ChainWalk], _ summary: inout VerifySummary
    ) async -> [VerifiedRange] {
        var ranges: [VerifiedRange] = []
        let board = engine.board.snapshot()
        let fault = await faultOfOnlyCopy(segment, request, &summary)
        for settings in engine.destinations {
            let live = board.destinations[settings.name] ?? StatusBoard.Destination()
            let isThere = live.storeID.map { segment.holders.contains($0) || segment.faulty.contains($0) } ?? false
            var state: VerifiedRange.State
            var detail: String?
            if segment.state == .lost || segment.state == .gap {
                state = .missing
            } else if isThere, let id = live.storeID {
                let deep = request.isDeep
                // Of a part of all objects nothing is known from the first line on.
                let before = request.deep ? chains[id, default: ChainWalk()].beginning(of: segment.record) : nil
                let behind: RunningDigest?
                ((state, detail), behind) = await look(segment, in: id, deep: deep, behind: before)
                if chains[id]?.goOn(behind: segment.record, with: behind) == true {
                    (state, detail) = await faultOfChain(segment.record)
                }
                if deep, state == .found { summary.readBack += 1 }
                if state == .found, let fault = unlisted[id] { (state, detail) = fault }
            } else if let fault {
                (state, detail) = fault
            } else if !isOpen {
                state = .private
            } else if segment.state == .spooled || !segment.receipts.isEmpty {
                let isStuck = live.state == .waiting || live.state == .held || live.isPaused
                state = isStuck ? .delayed : live.inFlight > 0 ? .uploading : .queued
                detail = isStuck ? live.lastError ?? (live.isPaused ? "delivery is paused" : nil) : nil
            } else {
                state = .missing
            }
            ranges.append(
                VerifiedRange(
                    sid: segment.record.stream.session, stream: segment.record.stream.stream,
                    generation: segment.record.generation, firstLine: segment.record.firstLine,
                    lines: segment.record.lines, destination: settings.name, state: state, detail: detail))
        }
        return ranges
    }

    /// What is wrong with a segment that is in the spool alone: whatever waits for a destination has to be there.
    ///
    /// - Returns: `nil` when nothing is, or a store has it.
    private func faultOfOnlyCopy(
        _ segment: StoredSegment, _ request: VerifyRequest, _ summary: inout VerifySummary
    ) async -> Verdict? {
        guard segment.state == .spooled, segment.receipts.isEmpty else { return nil }
        let deep = request.isDeep
        let (verdict, _) = await withTaskExecutorPreference(engine.world.lane(of: segment.record.stream)) {
            await self.look(
                self.engine.objects.spooled(segment.id, segment.record), SegmentOutline(segment.record), deep)
        }
        if verdict.state == .found {
            if deep { summary.readBack += 1 }
            return nil
        }
        // It has left the spool meanwhile: then a store has it.
        return verdict.state == .missing && verdict.detail == nil ? nil : verdict
    }

    /// One range for each store in which another writer lists the segment.
    private func verified(
        _ entry: ManifestSegment, of stream: StreamName, _ other: WriterManifest, _ request: VerifyRequest,
        _ summary: inout VerifySummary
    ) async -> [VerifiedRange] {
        var ranges: [VerifiedRange] = []
        // Sizes and digests are as its entry says; an entry without a line number belongs to another program.
        let outline = SegmentOutline(entry, firstLine: 1)
        for holding in other.holdings where holding.paths.contains(entry.path) {
            let copy = WriterManifest.copy(of: entry, in: stream, other.session, holding)
            let deep = request.isDeep
            let (verdict, _) = await withTaskExecutorPreference(engine.world.lane(of: other.session)) {
                await self.look(copy, outline, deep)
            }
            if deep, verdict.state == .found { summary.readBack += 1 }
            ranges.append(
                VerifiedRange(
                    sid: other.session, stream: stream, generation: entry.generation ?? 1,
                    firstLine: entry.firstLine ?? 1, lines: entry.lines, destination: holding.shelf.name,
                    state: verdict.state, detail: verdict.detail, writer: other.writer))
        }
        return ranges
    }

    /// Whether the object is in the store; read back and compared when `deep`.
    private nonisolated func look(
        _ segment: StoredSegment, in id: StoreID, deep: Bool, behind digest: RunningDigest?
    ) async -> (Verdict, RunningDigest?) {
        let lane = engine.world.lane(of: segment.record.stream)
        return await withTaskExecutorPreference(lane) {
            guard let shelf = self.engine.objects.shelf(id) else {
                return ((.delayed, "the destination is not open"), nil)
            }
            if let sink = shelf.sink as? any LineSink {
                return (await self.look(segment, in: id, sink, deep: deep), nil)
            }
            if let sink = shelf.sink as? HistorySink {
                return (await self.look(segment, in: id, sink, deep: deep), nil)
            }
            var copy = self.engine.objects.copy(of: segment.id, segment.record, in: id, on: shelf)
            copy.isFaulty = segment.faulty.contains(id)
            return await self.look(copy, SegmentOutline(segment.record), deep, behind: digest)
        }
    }

    /// Looks at one copy, and says in the health what is wrong with it.
    ///
    /// - Returns: also the digest with its bytes, where all of them were read.
    private nonisolated func look(
        _ copy: ObjectCopy, _ outline: SegmentOutline, _ deep: Bool, behind before: RunningDigest? = nil
    ) async -> (Verdict, RunningDigest?) {
        var digest = before
        do {
            guard let bytes = try await copy.open() else { return ((.missing, nil), nil) }
            // Compares the sizes.
            var reader = try MemberReader(outline, object: bytes)
            if deep { while let piece = try reader.next() { digest?.update(piece) } }
            await engine.objects.note(nil, copy, isRead: deep)
            return ((.found, nil), deep ? digest : nil)
        } catch {
            let isDefinite = await engine.objects.note(error, copy)
            if let error = error as? DeliveryError, error.code == .notFound { return ((.missing, error.message), nil) }
            if let error = error as? StoreError, error.code == .missing { return ((.missing, error.message), nil) }
            // Encrypted to others: waiting does not make it readable. Another identity may, so nothing is made of it.
            if let error = error as? DeliveryError, error.code == .conflict { return ((.damaged, error.message), nil) }
            return ((isDefinite ? .damaged : .delayed, "\(error)"), nil)
        }
    }

    /// The bytes are right and what is told of them is not: nobody is told it any more until it is made anew.
    private func faultOfChain(_ record: SegmentRecord) async -> Verdict {
        let what = "the digest of its generation, `chain` in the manifest, is not that of the bytes"
        do throws(StoreError) {
            try await engine.store.forgetChain(
                of: record.stream, generation: record.generation, from: record.sourceOffset)
            engine.delivery.ring()
            return (.damaged, "\(what): it is left out from now on, and told again with new lines")
        } catch {
            return (.damaged, "\(what), and could not be taken back: \(error)")
        }
    }
}

extension VerifyRequest {
    /// Who asks for a part of all objects means to have that read.
    fileprivate var isDeep: Bool { deep || sample != nil }

    /// Whether the object is in the part that is asked for.
    fileprivate func isWanted(_ path: String, of session: SessionID) -> Bool {
        sample.map { $0.holds(Self.key(of: path, session)) } ?? true
    }

    /// The beginning of the SHA-256 of the object's name, which never changes: 64 bits of it.
    private static func key(of path: String, _ session: SessionID) -> UInt64 {
        RunningDigest.digest(of: Array("\(session)/\(path)".utf8)).bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
