import ControlPlane
import LinuxSystem
import Shared
import Synchronization
import Testing

/// What a test's handler answers with, and what it saw.
final class ScriptedHandler: ControlHandler {
    struct State {
        var status = Samples.status
        var revision: UInt64 = 1
        var sessions: [SessionItem] = []
        var detail: SessionDetail?
        var pieces: [ReplayPiece] = []
        /// After the pieces.
        var replayError: ControlError?
        var unread: [String] = []
        var ranges: [VerifiedRange] = []
        var flushes: [FlushRequest] = []
        /// By flush: the size of the file that came with it.
        var flushedSizes: [Int64?] = []
        var replays: [ReplayRequest] = []
        var pointers: [PointerHandle] = []
        var sent = 0
        var cancelled = 0
        var privates: [PrivateSession] = []
        var quarantine: [QuarantineItem] = []
        var captured: [CapturedEvent] = []
        var audit = AuditPage()
        var imported: [ImportQueueRequest] = []
        var reloads = 0
        var reloadError: ControlError?
        /// Replays wait here, after the pieces, until they are cancelled.
        var holdsReplay = false
        /// Called as a replay begins.
        var whenReplaying: (@Sendable () -> Void)?
    }

    let state = Mutex(State())
    let changed = Doorbell()
    /// Rung when a replay or a flush has begun to wait, and when it was cancelled.
    let time: any TimeSource
    private let signal: Descriptor.Pipe

    init(time: any TimeSource) throws {
        self.time = time
        signal = try Descriptor.pipe()
    }

    /// Blocks until the handler has said so.
    func waitForSignal() throws {
        guard try signal.reading.wait(.readable, milliseconds: patience) else {
            throw SystemError("no signal", code: 62)
        }
        var byte: [UInt8] = [0]
        _ = try byte.withMutableBytes { (bytes) throws(SystemError) in try signal.reading.read(into: bytes) }
    }

    private func raise() {
        _ = try? [UInt8(1)].withBytes { (bytes) throws(SystemError) in try signal.writing.write(bytes) }
    }

    func change(_ edit: (inout StatusReply) -> Void) {
        state.withLock { state in
            edit(&state.status)
            state.revision += 1
        }
        changed.ring()
    }

    func status() async throws(ControlError) -> StatusSnapshot {
        state.withLock { StatusSnapshot($0.status, revision: $0.revision) }
    }

    func statusChange(after revision: UInt64) async throws(CancellationError) {
        while state.withLock({ $0.revision == revision }) {
            _ = await changed.wait(on: time)
            if Task.isCancelled { throw CancellationError() }
        }
    }

    func sessions(_ filter: SessionFilter, limit: Int) async throws(ControlError) -> [SessionItem] {
        state.withLock { state in
            Array(
                state.sessions.filter { item in
                    guard let after = filter.after else { return true }
                    return item.sid > after
                }.prefix(limit))
        }
    }

    func session(_ sid: SessionID) async throws(ControlError) -> SessionDetail {
        guard let detail = state.withLock({ $0.detail }), detail.session?.sid == sid else {
            throw ControlError(.noSuchSession, "no session \(sid) is known here")
        }
        return detail
    }

    /// What `pieces` hold; nothing is no answer.
    func resolve(_ pointer: PointerHandle, to sink: ReplySink<BytePiece>) async throws(ControlError) -> Int64 {
        let (pieces, error) = state.withLock { state in
            state.pointers.append(pointer)
            return (state.pieces, state.replayError)
        }
        var sum: Int64 = 0
        for piece in pieces {
            try await sink.send(BytePiece(offset: piece.offset, bytes: piece.bytes))
            sum += Int64(piece.bytes.count)
        }
        if let error { throw error }
        guard sum > 0 else { throw ControlError(.noMatch, "there is no such byte") }
        return sum
    }

    func replay(_ request: ReplayRequest, to sink: ReplySink<ReplayPiece>) async throws(ControlError) -> [String] {
        let (pieces, error, holds, unread) = state.withLock { state in
            state.replays.append(request)
            return (state.pieces, state.replayError, state.holdsReplay, state.unread)
        }
        state.withLock { $0.whenReplaying }?()
        for piece in pieces {
            do throws(ControlError) {
                try await sink.send(piece)
            } catch {
                state.withLock { $0.cancelled += 1 }
                raise()
                throw error
            }
            state.withLock { $0.sent += 1 }
        }
        if holds {
            raise()
            _ = await Doorbell().wait(on: time)
            state.withLock { $0.cancelled += 1 }
            raise()
        }
        if let error { throw error }
        return unread
    }

    func verify(
        _ request: VerifyRequest, to sink: ReplySink<[VerifiedRange]>
    ) async throws(ControlError) -> VerifySummary {
        let ranges = state.withLock { $0.ranges }
        try await sink.send(ranges)
        var summary = VerifySummary()
        summary.sessions = 1
        for range in ranges { summary.count(range.state) }
        return summary
    }

    func flush(
        _ request: FlushRequest, passed: PassedDescriptor?, progress: ReplySink<FlushReply>
    ) async throws(ControlError) -> FlushReply {
        let size: Int64?
        do throws(SystemError) { size = try passed?.take()?.status().size } catch { size = -1 }
        state.withLock {
            $0.flushes.append(request)
            $0.flushedSizes.append(size)
        }
        raise()
        try await progress.send(FlushReply(sealed: 1, queued: 1, queuedBytes: 10))
        try await progress.send(FlushReply(sealed: 1, queued: 1, queuedBytes: 5))
        return FlushReply(sealed: 1, queued: 0, queuedBytes: 0)
    }

    func addPrivate(
        _ sid: SessionID, progress: ReplySink<AddPrivateReply>
    ) async throws(ControlError) -> AddPrivateReply {
        try await progress.send(AddPrivateReply(changed: true, waitingFor: ["archive"]))
        return AddPrivateReply(changed: true)
    }

    func forget(_ sid: SessionID, progress: ReplySink<ForgetReply>) async throws(ControlError) -> ForgetReply {
        try await progress.send(ForgetReply(waitingFor: ["archive"]))
        return ForgetReply(
            deleted: ["archive"], left: [ForgetReply.Leftover(destination: "b", reason: "away", willGo: true)])
    }

    func resend(
        _ request: ResendRequest, progress: ReplySink<ResendReply>
    ) async throws(ControlError) -> ResendReply {
        try await progress.send(ResendReply(sessions: 1, segments: 2, waitingFor: ["archive"]))
        return ResendReply(sessions: 1, segments: 3, unchanged: 4)
    }

    func removePrivate(_ sid: SessionID) async throws(ControlError) -> RemovePrivateReply {
        RemovePrivateReply(changed: true)
    }

    func privates(after: SessionID?, limit: Int) async throws(ControlError) -> [PrivateSession] {
        let all = state.withLock { $0.privates }.filter { session in after.map { $0 < session.sid } ?? true }
        return Array(all.prefix(limit))
    }

    func pause(_ destination: String?) async throws(ControlError) -> PauseReply {
        PauseReply(changed: ["archive"], paused: ["archive", "b"])
    }

    func resume(_ destination: String?) async throws(ControlError) -> PauseReply {
        PauseReply(changed: ["archive"], paused: [])
    }

    func limit(_ request: LimitRequest) async throws(ControlError) -> LimitReply {
        LimitReply(limits: [.init(), .init(destination: "archive", limit: request.rate?.bytesPerSecond?.bytes)])
    }

    func quarantine(
        _ request: QuarantineRequest, after: Int?, limit: Int
    ) async throws(ControlError) -> [QuarantineItem] {
        Array(state.withLock { $0.quarantine }.filter { $0.id > after ?? 0 }.prefix(limit))
    }

    func retryQuarantine(_ request: QuarantineRequest) async throws(ControlError) -> Int { request.id ?? 3 }
    func dropQuarantine(_ request: QuarantineRequest) async throws(ControlError) -> Int { 0 }

    func capture(_ event: CapturedEvent) async throws(ControlError) {
        state.withLock { $0.captured.append(event) }
        raise()
    }

    func importQueue(_ request: ImportQueueRequest) async throws(ControlError) -> ImportQueueReply {
        state.withLock { $0.imported.append(request) }
        return ImportQueueReply(watched: request.sessions.count, notTaken: ["one"])
    }

    func audit(_ request: AuditRequest, limit: Int) async throws(ControlError) -> AuditPage {
        let all = state.withLock { $0.audit }
        let from = request.after.flatMap { Int($0) } ?? 0
        let entries = Array(all.entries.dropFirst(from).prefix(limit))
        let isLast = from + entries.count >= all.entries.count
        return AuditPage(
            entries: entries, refusals: isLast ? all.refusals : [], next: isLast ? nil : "\(from + entries.count)")
    }

    func remoteSessions(_ request: RemoteRequest, to sink: ReplySink<RemotePage>) async throws(ControlError) {
        let sessions = state.withLock { $0.sessions }
        try await sink.send(
            RemotePage(
                sessions: sessions.map { RemoteSession($0, destination: "archive", writers: 2) },
                unread: ["destination archive: object x is damaged"]))
    }

    func importSession(
        _ request: ImportSessionRequest, passed: PassedDescriptor?
    ) async throws(ControlError) -> ImportSessionReply {
        ImportSessionReply(.taken, lines: 3, notTaken: ["a line without its end"])
    }

    func reload() async throws(ControlError) -> ReloadReply {
        state.withLock { $0.reloads += 1 }
        raise()
        if let error = state.withLock({ $0.reloadError }) { throw error }
        return ReloadReply(file: "/home/u/.config/uploaderd/uploaderd.toml", changed: ["segments.max_age"])
    }

    func addLink(_ request: AddLinkRequest) async throws(ControlError) -> AddLinkReply { AddLinkReply(changed: true) }

    func configuration() async throws(ControlError) -> ConfigurationReply {
        ConfigurationReply(file: nil, settings: [.init(key: "segments.codec", value: "\"gzip\"", origin: "default")])
    }
}
