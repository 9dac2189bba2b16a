import Delivery
import Digests
import Segments
import Shared
import Store
import Synchronization

/// One generation of a stream as one file: from its first line to one of its last, wherever its segments are.
///
/// What goes before our own first line, in a session that another machine began, is what its manifests list.
struct FileAssembly: Sendable {
    let stream: StreamKey
    /// As all machines count them that write the session.
    let generation: Int
    /// Our segment that the file ends with, and how many of its lines had their end.
    let end: SegmentRecord
    let lastWholeLine: Int
    let accepted: AcceptedFile?
    let replay: ReplayService
    /// Where it is read, and compressed.
    let lane: any RoomExecutor

    private static let level = 6

    /// What is sent; in `extent` is then what the far end has.
    func outgoing(_ extent: Extent) -> OutgoingFile {
        OutgoingFile(stream: stream, generation: generation) {
            (isGzip, taking) async throws(DeliveryError) in
            try await withTaskExecutorPreference(lane) { () async throws(DeliveryError) in
                do {
                    return try await give(isGzip, taking, extent)
                } catch let error as DeliveryError {
                    throw error
                } catch let error as ControlError {
                    throw refusal(error)
                } catch {
                    throw DeliveryError(.transient, "could not put together the file of \(stream): \(error)")
                }
            }
        }
    }

    /// What was given last.
    final class Extent: Sendable {
        private let value = Mutex<AcceptedFile?>(nil)
        var file: AcceptedFile? { value.withLock { $0 } }
        fileprivate func set(_ file: AcceptedFile) { value.withLock { $0 = file } }
    }

    @concurrent
    private func give(
        _ isGzip: Bool, _ taking: OutgoingFile.Taking, _ extent: Extent
    ) async throws -> Int64 {
        let volume = try await whole()
        var compressor = try StreamCompressor(codec: isGzip ? .gzip : .none, level: Self.level)
        var digest = RunningDigest()
        var begun = accepted
        func add(_ bytes: [UInt8]) throws(DeliveryError) {
            var rest = bytes[...]
            if let before = begun, Int64(digest.count) + Int64(rest.count) >= before.bytes {
                let part = rest.prefix(Int(before.bytes - Int64(digest.count)))
                part.withUnsafeBytes { digest.update($0) }
                rest = rest.dropFirst(part.count)
                guard digest.digest().hex == before.digest else { throw other(before) }
                begun = nil
            }
            rest.withUnsafeBytes { digest.update($0) }
        }
        func send(_ bytes: [UInt8], ends: Bool) async throws {
            var out: [UInt8] = []
            try bytes.withBytes { (buffer) throws(SegmentError) in
                try compressor.feed(buffer, ends: ends) { out += $0 }
            }
            if !out.isEmpty { try await taking(out) }
        }
        func pass(_ lines: ClosedRange<Int>) async throws {
            guard !lines.isEmpty else { return }
            var failure: (any Error)?
            do {
                try await replay.send(volume, lines: lines) { () async throws(ControlError) in
                    try await asked { try await whole() }
                } to: { (_, bytes) async throws(ControlError) in
                    do {
                        try add(bytes)
                        try await send(bytes, ends: false)
                    } catch {
                        failure = error
                        throw ControlError(.backendError, "\(error)")
                    }
                }
            } catch {
                throw failure ?? error
            }
        }
        if lastWholeLine > 0 { try await pass(1...lastWholeLine) }
        if let before = begun { throw other(before) }
        extent.set(
            AcceptedFile(lines: lastWholeLine, bytes: Int64(digest.count), digest: digest.digest().hex))
        if end.lastLine > lastWholeLine { try await pass(lastWholeLine + 1...end.lastLine) }
        try await send([], ends: true)
        return Int64(digest.count)
    }

    /// - Throws: `conflict` when there is no such file: it would not begin with the stream's first line, have a hole, or lack lines
    ///   with which another machine went on, and which may be there by now.
    private func whole() async throws -> Volume {
        let own = try await replay.volume(
            of: stream.session, stream.stream, generation: end.generation, from: nil, isOwn: true)
        let beginsHere = own.parts.first?.lines.lowerBound == 1
        if beginsHere { try requireWhole(own) }
        if beginsHere, try await replay.others(of: stream.session).writers.isEmpty { return own }
        let joined = try await replay.volume(of: stream.session, stream.stream, generation: generation, from: nil)
        try requireWhole(joined)
        guard joined.lines <= own.parts.last?.lines.upperBound ?? 0 else {
            throw noFile(
                "another machine has lines of it that this one has not",
                "what is there stays as it was; uploaderctl replay \(stream.session) joins what all of them have")
        }
        return beginsHere ? own : joined
    }

    private func requireWhole(_ volume: Volume) throws(DeliveryError) {
        var next = 1
        for part in volume.parts where next <= end.lastLine {
            guard part.firstLine == next, part.isThere else { break }
            next = part.lastLine + 1
        }
        guard next <= end.lastLine else { return }
        throw noFile(
            next > 1 ? "what follows line \(next - 1) is not at hand" : "its first lines are not at hand",
            "it is tried again by itself; uploaderctl verify \(stream.session) says what is where")
    }

    private func noFile(_ why: String, _ hint: String?) -> DeliveryError {
        DeliveryError(
            .conflict, "there is no whole file of \(stream), generation \(generation), to be sent: \(why)", hint: hint)
    }

    private func asked(_ body: () async throws -> Volume) async throws(ControlError) -> Volume {
        do { return try await body() } catch let error as ControlError { throw error } catch {
            throw ControlError(.backendError, "\(error)")
        }
    }

    private func other(_ before: AcceptedFile) -> DeliveryError {
        DeliveryError(
            .conflict,
            "the file of \(stream), generation \(generation), does not begin with the \(before.lines) lines that were sent "
                + "before: it stays as it was",
            hint: "uploaderctl resend \(stream.session) --dest NAME puts what is here in its place")
    }

    private func refusal(_ error: ControlError) -> DeliveryError {
        switch error.code {
        case .damaged, .noMatch, .noSuchSession:
            noFile(error.message, error.hint)
        default: DeliveryError(.transient, "could not put together the file of \(stream): \(error.message)")
        }
    }
}
