import LinuxSystem
import Shared

extension CallHarness {
    /// The bytes go into the pipe that came with the call, as they are, or into replies, as chunks.
    func resolve(
        _ pointer: PointerHandle, _ passed: PassedDescriptor?, _ replies: CallReplies
    ) async throws(ControlError) {
        let total: Int64
        if let pipe = passed?.take() {
            total = try await pour(pointer, into: try PipeOutlet(pipe, loop: replies.connection.loop))
        } else {
            guard replies.wantsMore else {
                throw ControlError(.expectedMore, "without a pipe the bytes come in several replies")
            }
            total = try await handler.resolve(
                pointer,
                to: ReplySink { (piece) throws(ControlError) in
                    try await replies.send(chunksOf: piece.bytes, at: piece.offset) { offset, bytes in
                        ResolveReply(offset: offset, bytes: bytes)
                    }
                })
        }
        try await replies.send(ResolveReply(totalBytes: total))
    }

    /// The outlet ends with this function, so that the pipe's reader sees the end before the reply.
    private func pour(_ pointer: PointerHandle, into outlet: PipeOutlet) async throws(ControlError) -> Int64 {
        try await handler.resolve(
            pointer,
            to: ReplySink { (piece) throws(ControlError) in try await outlet.write(piece.bytes) })
    }
}
