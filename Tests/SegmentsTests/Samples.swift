import Digests
import Glibc
import Redaction
import Shared
import Testing

@testable import Segments

let redactor = Redactor(rules: .none)
let key = MachineKey(bytes: [UInt8](repeating: 7, count: 32))

func stream(_ name: String = "main") throws -> StreamKey {
    StreamKey(session: try #require(SessionID("sample")), stream: try #require(StreamName(name)))
}

func start(_ name: String = "main", seq: Int = 1) throws -> SegmentStart {
    SegmentStart(stream: try stream(name), generation: 1, seq: seq, firstLine: 1, sourceOffset: 0)
}

/// The lines of a source, each with its end.
func lines(of bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    var all: [ArraySlice<UInt8>] = []
    var from = 0
    while from < bytes.count {
        let end = bytes[from...].firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
        all.append(bytes[from..<end])
        from = end
    }
    return all
}

extension SegmentWriter {
    mutating func take(_ line: some Collection<UInt8>) {
        let offset = sourceEnd
        Array(line).withUnsafeBytes { bytes in
            redactor.redact(RawLine(bytes: bytes, offset: offset, terminated: bytes.last == 0x0A)) { append($0) }
        }
    }
}

/// One segment of all these bytes.
func sealed(
    _ bytes: [UInt8], at start: SegmentStart, codec: Codec = .gzip, memberBytes: Int = 256 << 10,
    cut: CutReason = .quiet, partial: Bool = false
) throws -> SealedSegment {
    var writer = SegmentWriter(
        at: start, compressors: CompressorPool(codec: codec), rules: redactor.rules, key: key, memberBytes: memberBytes)
    for line in lines(of: bytes) { writer.take(line) }
    return try writer.finish(cut, partial: partial)
}

extension SealedSegment {
    var bytes: [UInt8] {
        switch object {
        case .bytes(let bytes): bytes
        case .spooled: []
        }
    }
}

/// Seeds of the random tests: fixed ones, and one of the moment, which a failure prints as its argument.
let seeds: [UInt64] = {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return [1, 2, 3, UInt64(time.tv_nsec)]
}()
