import Compression
import Digests
import LinuxSystem
import Shared

/// The lines of a segment in order, without their ends, in bounded memory.
struct LineFeed: ~Copyable {
    enum Line {
        case bytes([UInt8])
        /// A line of so many bytes, more than are of use.
        case tooLong(Int64)
    }

    private let object: any ObjectBytes & Sendable
    private let record: SegmentRecord
    private let longest: Int
    private var decompressor: StreamDecompressor
    private var input = [UInt8](repeating: 0, count: 64 << 10)
    private var waiting = 0..<0
    private var position: Int64 = 0
    private var output = [UInt8](repeating: 0, count: 256 << 10)
    /// What of `output` was not given yet.
    private var left = 0..<0
    private var digest = RunningDigest()
    private var isOver = false

    /// - Parameter longest: in bytes, without the line's end; a longer one is only counted.
    init(_ object: any ObjectBytes & Sendable, of record: SegmentRecord, longest: Int) throws(DeliveryError) {
        self.object = object
        self.record = record
        self.longest = longest
        do throws(StreamDecompressor.Failure) { decompressor = try StreamDecompressor(codec: record.codec) } catch {
            throw DeliveryError(.transient, error.message)
        }
    }

    /// Reads all of it once: nothing of a segment that is not whole is to be sent, for it cannot be taken back.
    static func check(_ object: any ObjectBytes & Sendable, of record: SegmentRecord) throws(DeliveryError) {
        var feed = try LineFeed(object, of: record, longest: 0)
        while try feed.fill() { feed.left = 0..<0 }
    }

    /// - Returns: `nil` behind the last one.
    mutating func next() throws(DeliveryError) -> Line? {
        var line: [UInt8] = []
        var size: Int64 = 0
        while true {
            if left.isEmpty, try !fill() { return size == 0 ? nil : Self.line(line, size) }
            let end = output[left].firstIndex(of: 0x0A)
            let piece = left.lowerBound..<(end ?? left.upperBound)
            size += Int64(piece.count)
            if size <= longest { line += output[piece] } else { line = [] }
            left = (end.map { $0 + 1 } ?? left.upperBound)..<left.upperBound
            if end != nil { return size > longest ? .tooLong(size) : .bytes(line) }
        }
    }

    private static func line(_ bytes: [UInt8], _ size: Int64) -> Line {
        Int64(bytes.count) == size ? .bytes(bytes) : .tooLong(size)
    }

    /// - Returns: `false` at the end, when all that was promised came.
    private mutating func fill() throws(DeliveryError) -> Bool {
        while !isOver {
            if waiting.isEmpty, position < object.size { try read() }
            let step = input.withUnsafeBytes { input in
                output.withUnsafeMutableBytes { output in
                    decompressor.step(UnsafeRawBufferPointer(rebasing: input[waiting]), into: output)
                }
            }
            waiting = waiting.lowerBound + step.consumed..<waiting.upperBound
            if let damage = step.damage { throw damaged(damage) }
            if step.produced > 0 {
                left = 0..<step.produced
                output.withUnsafeBytes { digest.update(UnsafeRawBufferPointer(rebasing: $0[left])) }
                return true
            }
            if waiting.isEmpty, position >= object.size {
                guard digest.digest() == record.checksum else { throw damaged("its lines are not what they were") }
                isOver = true
            } else if step.consumed == 0 {
                throw damaged("its bytes mean nothing")
            }
        }
        return false
    }

    private mutating func read() throws(DeliveryError) {
        let count: Int
        do {
            count = try input.withUnsafeMutableBytes { try object.read(at: position, into: $0) }
        } catch {
            throw DeliveryError(.transient, "could not read \(record.objectPath): \(error)")
        }
        guard count > 0 else { throw damaged("it ends too early") }
        waiting = 0..<count
        position += Int64(count)
    }

    private func damaged(_ why: String) -> DeliveryError {
        DeliveryError(.transient, "\(record.objectPath) of \(record.stream) is damaged: \(why)")
    }
}
