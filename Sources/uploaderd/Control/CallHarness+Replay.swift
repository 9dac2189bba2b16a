import LinuxSystem
import Shared
import Synchronization

extension CallHarness {
    /// Lines go into the pipe that came with the call, as they are, or into replies, as chunks.
    func replay(
        _ request: ReplayRequest, _ passed: PassedDescriptor?, _ replies: CallReplies
    ) async throws(ControlError) {
        let (totals, unread): (ReplayTotals, [String])
        if let pipe = passed?.take() {
            (totals, unread) = try await pour(
                request, into: try PipeOutlet(pipe, loop: replies.connection.loop), replies)
        } else {
            guard replies.wantsMore else {
                throw ControlError(.expectedMore, "without a pipe the lines come in several replies")
            }
            (totals, unread) = try await chunks(of: request, replies)
        }
        try await replies.send(ReplayReply(totals: totals, unread: unread))
    }

    /// The outlet ends with this function, so that the pipe's reader sees the end before the last reply.
    private func pour(
        _ request: ReplayRequest, into outlet: PipeOutlet, _ replies: CallReplies
    ) async throws(ControlError) -> (ReplayTotals, unread: [String]) {
        let count = ReplayCount()
        let updates = Updates(time: time, between: limits.betweenUpdates)
        let unread = try await handler.replay(
            request,
            to: ReplySink { (piece) throws(ControlError) in
                try await outlet.write(piece.bytes)
                let totals = count.add(piece)
                if replies.wantsMore, updates.isDue() {
                    try await replies.send(ReplayReply(totals: totals), continues: true)
                }
            })
        return (count.totals, unread)
    }

    private func chunks(
        of request: ReplayRequest, _ replies: CallReplies
    ) async throws(ControlError) -> (ReplayTotals, unread: [String]) {
        let count = ReplayCount()
        let unread = try await handler.replay(
            request,
            to: ReplySink { (piece) throws(ControlError) in
                try await replies.send(chunksOf: piece.bytes, at: piece.offset) { offset, bytes in
                    ReplayReply(stream: piece.stream, generation: piece.generation, offset: offset, bytes: bytes)
                }
                _ = count.add(piece)
            })
        return (count.totals, unread)
    }
}

extension CallReplies {
    /// Bytes that come in several replies, each as long as fits one.
    ///
    /// - Parameter reply: of a chunk, and where that begins.
    func send(
        chunksOf bytes: [UInt8], at offset: Int64, _ reply: (Int64, UnsafeRawBufferPointer) -> some Encodable & Sendable
    ) async throws(ControlError) {
        var from = 0
        while from < bytes.count {
            let to = min(from + ReplayReply.longestChunk, bytes.count)
            let chunk = bytes.withUnsafeBytes {
                reply(offset + Int64(from), UnsafeRawBufferPointer(rebasing: $0[from..<to]))
            }
            try await send(chunk, continues: true)
            from = to
        }
    }
}

/// Counts what went out; one piece follows the other.
private final class ReplayCount: Sendable {
    private struct State {
        var ends = 0
        var bytes: Int64 = 0
        var isInLine = false
    }

    private let state = Mutex(State())

    func add(_ piece: ReplayPiece) -> ReplayTotals {
        state.withLock { state in
            state.ends += piece.bytes.count { $0 == UInt8(ascii: "\n") }
            state.bytes += Int64(piece.bytes.count)
            if let last = piece.bytes.last { state.isInLine = last != UInt8(ascii: "\n") }
        }
        return totals
    }

    var totals: ReplayTotals {
        state.withLock { ReplayTotals(lines: $0.ends + ($0.isInLine ? 1 : 0), bytes: $0.bytes) }
    }
}
