import Shared

/// The bytes of a request on their way to the socket: one piece is being sent, the next one is read ahead. Pure.
struct OutgoingBody {
    enum Given: Equatable {
        case bytes(Int)
        /// The next piece is not there yet.
        case wait
        case end
    }

    /// In bytes.
    static let piece = 128 << 10

    let size: Int64
    private var piece: [UInt8] = []
    private var given = 0
    private var ahead: [UInt8]?
    /// Of the next piece in the body.
    private var offset: Int64 = 0
    private var isReading = false
    /// Grows when the body begins anew: what is read for an earlier beginning is not taken.
    private(set) var serial = 0

    init(size: Int64) { self.size = size }

    mutating func give(into room: UnsafeMutableRawBufferPointer) -> Given {
        if given == piece.count {
            guard let next = ahead else { return offset >= size && !isReading ? .end : .wait }
            piece = next
            given = 0
            ahead = nil
        }
        let count = min(room.count, piece.count - given)
        piece.withUnsafeBytes { bytes in
            room.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[given..<given + count]))
        }
        given += count
        return .bytes(count)
    }

    var isUnfinished: Bool { given < piece.count || ahead != nil || isReading || offset < size }

    /// What has to be read now, which is then under way; `nil`: nothing.
    mutating func wanted() -> Range<Int64>? {
        guard !isReading, ahead == nil, offset < size else { return nil }
        isReading = true
        let range = offset..<min(offset + Int64(Self.piece), size)
        offset = range.upperBound
        return range
    }

    /// - Parameter serial: of when it was wanted.
    /// - Returns: whether it was taken.
    mutating func take(_ bytes: [UInt8], serial: Int) -> Bool {
        guard serial == self.serial else { return false }
        isReading = false
        ahead = bytes
        return true
    }

    /// The same bytes are sent again, on another connection.
    mutating func restart(at offset: Int64) {
        serial += 1
        (piece, given, ahead, isReading) = ([], 0, nil, false)
        self.offset = offset
    }
}
