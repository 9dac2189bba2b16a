import Capture
import Shared

/// A compressed source that is uncompressed beside itself: the plain file grows under its final name, and holds less than what
/// was taken until it is whole.
extension StreamPipeline {
    /// Waits while the source, which is shorter than what was taken of it, is on its way out of the compressed file beside it.
    ///
    /// Its bytes are compared as they come. As long as they are the stream's there is nothing to take.
    ///
    /// - Returns: how the pipeline ends: with `restart` when the source is as long as what was taken, or another one;
    ///   `nil`: it is cut off or rewritten, as any other.
    /// - Throws: `failed` when nobody writes to it any more: it is looked at again later, and when it changes.
    mutating func waitForUnpacking() async throws -> End? {
        guard var packed = tail.packedBeside(), isSource(&packed) else { return nil }
        let taken = cursor.partialEnd ?? cursor.offset
        var compared: Int64 = 0
        var grownAt = context.time.now
        while true {
            _ = mailbox.take()
            // Asked first: who closes it then has written before the size is asked.
            let hasWriter = tail.hasWriter()
            let seen = try tail.observe()
            guard seen.place == .same, seen.size >= compared, seen.size < taken else { return .restart }
            if seen.size > compared {
                guard try await holds(packed, compared..<seen.size) else { return nil }
                compared = seen.size
                grownAt = context.time.now
            }
            answerFlushes()
            if mailbox.isEnding { return .dormant }
            let isOver = hasWriter == false || context.time.now >= grownAt + TailPolicy.lingering
            if isOver {
                guard try packed.hasName() else { return nil }
                throw CaptureError(
                    .failed,
                    "\(source) has \(compared) of the \(taken) bytes that were taken of it, and lies beside the "
                        + "compressed file that has them: it waits to become whole",
                    hint: "if it was being uncompressed and that was broken off, remove it: the compressed one is "
                        + "read then; or remove the compressed one, to go on with what there is")
            }
            _ = await mailbox.wait(until: grownAt + TailPolicy.lingering, on: context.time)
        }
    }

    /// Whether the stream was read from the compressed file, or might have been.
    private func isSource(_ packed: inout FileTail) -> Bool {
        if packed.identity == cursor.file { return true }
        do throws(CaptureError) {
            switch try packed.begin(at: cursor) {
            case .resume, .idle, .verify: return true
            case .start, .newGeneration: return false
            }
        } catch {
            // A damaged one says nothing of the plain file.
            return false
        }
    }

    /// Whether the source and the compressed file hold the same bytes there.
    private func holds(_ packed: borrowing FileTail, _ range: Range<Int64>) async throws -> Bool {
        let room = min(256 << 10, range.count)
        var (ours, theirs) = ([UInt8](repeating: 0, count: room), [UInt8](repeating: 0, count: room))
        var offset = range.lowerBound
        while offset < range.upperBound {
            let count = Int(min(Int64(room), range.upperBound - offset))
            let isSame = try ours.withUnsafeMutableBytes { ours in
                try theirs.withUnsafeMutableBytes { theirs in
                    let ours = UnsafeMutableRawBufferPointer(rebasing: ours[..<count])
                    let theirs = UnsafeMutableRawBufferPointer(rebasing: theirs[..<count])
                    guard try tail.read(into: ours, at: offset) == count,
                        try packed.read(into: theirs, at: offset) == count
                    else { return false }
                    return ours.elementsEqual(theirs)
                }
            }
            guard isSame else { return false }
            offset += Int64(count)
            await Task.yield()
        }
        return true
    }
}
