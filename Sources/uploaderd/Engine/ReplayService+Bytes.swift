import Segments
import Shared

extension ReplayService {
    /// Sends what a range of a generation's bytes holds, which is cut off at the end.
    ///
    /// - Returns: how many bytes that were; 0: it begins behind the end.
    func send(
        _ volume: Volume, bytes wanted: Range<Int64>, again: () async throws(ControlError) -> Volume,
        to body: (Int64, [UInt8]) async throws(ControlError) -> Void
    ) async throws(ControlError) -> Int64 {
        guard let lines = try await lines(of: volume, covering: wanted) else { return 0 }
        var sum: Int64 = 0
        try await send(volume, lines: lines, again: again) { (offset, bytes) throws(ControlError) in
            let part = (offset..<offset + Int64(bytes.count)).clamped(to: wanted)
            guard !part.isEmpty else { return }
            sum += Int64(part.count)
            let isAll = part.count == bytes.count
            try await body(
                part.lowerBound,
                isAll ? bytes : Array(bytes[Int(part.lowerBound - offset)..<Int(part.upperBound - offset)]))
        }
        return sum
    }

    /// The lines that have these bytes, and as few others as the objects' members allow.
    private func lines(
        of volume: Volume, covering wanted: Range<Int64>
    ) async throws(ControlError) -> ClosedRange<Int>? {
        var offset: Int64 = 0
        var next = 1
        var found: ClosedRange<Int>?
        for part in volume.parts where offset < wanted.upperBound {
            guard part.isThere, part.firstLine <= next else {
                throw Self.missing(next...max(next, part.isThere ? part.firstLine - 1 : part.lastLine), in: volume)
            }
            next = part.lastLine + 1
            let length: Int64
            do { length = try await self.length(of: part) } catch {
                throw ControlError(.backendError, "could not read \(part.outline.name): \(error)")
            }
            let span = (offset..<offset + length).clamped(to: wanted)
            if !span.isEmpty {
                let lines = part.lines(covering: span.lowerBound - offset..<span.upperBound - offset)
                found = (found?.lowerBound ?? lines.lowerBound)...lines.upperBound
            }
            offset += length
        }
        return found
    }
}

extension Volume.Part {
    /// The lines, as they count here, of the members that have these bytes of the object; of a part of an object all.
    fileprivate func lines(covering bytes: Range<Int64>) -> ClosedRange<Int> {
        guard isWhole else { return firstLine...lastLine }
        let from = outline.members.last { $0.uncompressedOffset <= bytes.lowerBound }?.firstLine ?? lines.lowerBound
        let behind = outline.members.first { $0.uncompressedOffset >= bytes.upperBound }?.firstLine
        // Anybody can have written where members begin.
        let first = min(max(from, lines.lowerBound), lines.upperBound)
        let last = max(first, min((behind ?? lines.upperBound + 1) - 1, lines.upperBound))
        let shift = firstLine - lines.lowerBound
        return first + shift...last + shift
    }
}
