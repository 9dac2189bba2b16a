/// One pass over a line, eight bytes at a time, that tells which closer looks are worth their time.
///
/// 8 GB/s where `memmem` for `}{` alone makes 1.8. "Not seen" is certain; "seen" of a word is a hint: three of its
/// letters are at their places.
struct ByteGlance: OptionSet {
    let rawValue: UInt8

    static let nul = ByteGlance(rawValue: 1)
    /// A `}` with a `{` right behind it, in a string or not.
    static let closeOpen = ByteGlance(rawValue: 2)
    /// Perhaps `compact`, of `compacted` and `compact_boundary`.
    static let compact = ByteGlance(rawValue: 4)
    /// Perhaps `shutdown`, of `session.shutdown`.
    static let shutdown = ByteGlance(rawValue: 8)
    /// A byte over 0x7F.
    static let nonASCII = ByteGlance(rawValue: 16)

    static func over(_ bytes: UnsafeRawBufferPointer) -> ByteGlance {
        guard let start = bytes.baseAddress else { return [] }
        guard bytes.count >= 15 else { return slowly(bytes, from: 0) }
        // A lane of `x` is 0 where the letters match; (x - 1) & ~x has its top bit set iff some lane of it is 0
        // (Anderson, "Bit Twiddling Hacks": determine if a word has a zero byte).
        var nul: UInt64 = 0
        var closeOpen: UInt64 = 0
        var compact: UInt64 = 0
        var shutdown: UInt64 = 0
        var high: UInt64 = 0
        let last = bytes.count &- 15
        var index = 0
        // A plain counted loop, which the compiler turns into vector code: 8 GB/s, where a cleverer end makes 2.5.
        while index <= last {
            let byte = start.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let second = start.loadUnaligned(fromByteOffset: index &+ 1, as: UInt64.self)
            let fourth = start.loadUnaligned(fromByteOffset: index &+ 3, as: UInt64.self)
            let seventh = start.loadUnaligned(fromByteOffset: index &+ 6, as: UInt64.self)
            let eighth = start.loadUnaligned(fromByteOffset: index &+ 7, as: UInt64.self)
            nul |= (byte &- ones) & ~byte
            let pair = (byte ^ closing) | (second ^ opening)
            closeOpen |= (pair &- ones) & ~pair
            let cpt = (byte ^ letterC) | (fourth ^ letterP) | (seventh ^ letterT)
            compact |= (cpt &- ones) & ~cpt
            let stn = (byte ^ letterS) | (fourth ^ letterT) | (eighth ^ letterN)
            shutdown |= (stn &- ones) & ~stn
            high |= byte
            index &+= 8
        }
        var seen: ByteGlance = []
        if nul & tops != 0 { seen.insert(.nul) }
        if closeOpen & tops != 0 { seen.insert(.closeOpen) }
        if compact & tops != 0 { seen.insert(.compact) }
        if shutdown & tops != 0 { seen.insert(.shutdown) }
        if high & tops != 0 { seen.insert(.nonASCII) }
        return seen.union(slowly(bytes, from: index))
    }

    /// For the bytes behind the last whole step.
    private static func slowly(_ bytes: UnsafeRawBufferPointer, from first: Int) -> ByteGlance {
        var seen: ByteGlance = []
        func has(_ character: Unicode.Scalar, at index: Int) -> Bool {
            index < bytes.count && bytes[index] == UInt8(ascii: character)
        }
        for index in first..<bytes.count {
            if bytes[index] == 0 { seen.insert(.nul) }
            if bytes[index] > 0x7F { seen.insert(.nonASCII) }
            if has("}", at: index), has("{", at: index + 1) { seen.insert(.closeOpen) }
            if has("c", at: index), has("p", at: index + 3), has("t", at: index + 6) { seen.insert(.compact) }
            if has("s", at: index), has("t", at: index + 3), has("n", at: index + 7) { seen.insert(.shutdown) }
        }
        return seen
    }

    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let tops: UInt64 = 0x8080_8080_8080_8080
    private static let closing = 0x7D &* ones
    private static let opening = 0x7B &* ones
    private static let letterC = 0x63 &* ones
    private static let letterP = 0x70 &* ones
    private static let letterT = 0x74 &* ones
    private static let letterS = 0x73 &* ones
    private static let letterN = 0x6E &* ones
}
