package import ControlPlane
import Segments
package import Shared
import Store

extension ControlDesk {
    package func replay(
        _ request: ReplayRequest, to sink: ReplySink<ReplayPiece>
    ) async throws(ControlError) -> [String] {
        // Decompressing is a lane's work, not the loop's.
        let lane = engine.world.lane(of: request.sid)
        var volume = try await load(request, on: lane)
        var sent = try await send(request, volume, after: 0, to: sink, on: lane)
        guard request.follow else { return volume.unread }
        // Every seal changes the board; whoever follows looks whether it was one of this stream.
        while !Task.isCancelled {
            // Nothing comes behind the last line that was asked for.
            if let last = request.lines?.last, sent >= last { return [] }
            let revision = engine.board.snapshot().revision
            volume = try await load(request, on: lane)
            if volume.lines > sent {
                sent = try await send(request, volume, after: sent, to: sink, on: lane)
            } else {
                do throws(CancellationError) { try await statusChange(after: revision) } catch { return [] }
            }
        }
        return []
    }

    private nonisolated func load(
        _ request: ReplayRequest, on lane: any RoomExecutor
    ) async throws(ControlError) -> Volume {
        try await onLane(lane) { () async throws(ControlError) in
            try await self.engine.replay.volume(
                of: request.sid, request.stream, generation: request.generation, from: request.from,
                // Other writers' lines come between those that were sent.
                isOwn: request.follow && request.from == nil)
        }
    }

    /// - Returns: the last line that was sent.
    private nonisolated func send(
        _ request: ReplayRequest, _ volume: Volume, after sent: Int, to sink: ReplySink<ReplayPiece>,
        on lane: any RoomExecutor
    ) async throws(ControlError) -> Int {
        guard let wanted = try Self.lines(request, of: volume, after: sent) else { return max(sent, volume.lines) }
        try await onLane(lane) { () async throws(ControlError) in
            let again = { () async throws(ControlError) in try await self.load(request, on: lane) }
            try await self.engine.replay.send(volume, lines: wanted, again: again) {
                offset, bytes throws(ControlError) in
                try await sink.send(
                    ReplayPiece(stream: volume.stream, generation: volume.generation, offset: offset, bytes: bytes))
            }
        }
        return wanted.upperBound
    }

    /// Which lines the request means; `nil`: none that was not sent.
    private static func lines(
        _ request: ReplayRequest, of volume: Volume, after sent: Int
    ) throws(ControlError) -> ClosedRange<Int>? {
        var first = max(request.lines?.first ?? 1, sent + 1)
        var last = min(request.lines?.last ?? volume.lines, volume.lines)
        if let choice = request.toCheckpoint { last = min(last, try line(of: choice, in: volume)) }
        if sent == 0, let asked = request.lines, asked.first > volume.lines, volume.lines > 0 || asked.first > 1 {
            throw ControlError(
                .noMatch, "generation \(volume.generation) of stream \(volume.stream) has \(volume.lines) lines",
                hint: "ask for lines from 1 to \(volume.lines)")
        }
        if let most = request.maxLines, sent == 0 { first = max(first, last - most + 1) }
        return first <= last ? first...last : nil
    }

    private static func line(
        of choice: CheckpointChoice, in volume: Volume
    ) throws(ControlError) -> Int {
        guard let found = volume.checkpoint(choice) else {
            throw ControlError(
                .noMatch, "generation \(volume.generation) of stream \(volume.stream) has no checkpoint \(choice.text)",
                hint: volume.checkpoints.isEmpty
                    ? "it has none" : "it has " + volume.checkpoints.map(\.id).joined(separator: ", "))
        }
        return found.line
    }

    /// Runs `body` on a lane, in this task, so that it is cancelled with it.
    private nonisolated func onLane<Value: Sendable>(
        _ lane: any RoomExecutor, _ body: @escaping @Sendable () async throws(ControlError) -> Value
    ) async throws(ControlError) -> Value {
        let result: Result<Value, ControlError> = await withTaskExecutorPreference(lane) {
            do throws(ControlError) { return .success(try await body()) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
