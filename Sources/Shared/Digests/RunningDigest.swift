private import CCrypto
package import Shared

/// A SHA-256 (FIPS 180-4) that can be asked for at any point, copied, put aside and taken up again after a restart.
///
/// The state as bytes, version 1:
///
///     1 byte    1
///     32 bytes  the eight chaining words, big-endian
///     8 bytes   bytes digested so far, big-endian
///     0–63      those of them that do not fill a block yet: the count modulo 64
///
/// Valid: the version is 1 and the length is 41 plus the count modulo 64. After "abc" it is 44 bytes long:
/// `01`, `6a09e667…5be0cd19` (nothing was mixed in yet), `0000000000000003`, `616263`.
package struct RunningDigest: Sendable {
    private var context = SHA256_CTX()

    private static let version: UInt8 = 1
    private static let fixedLength = 41

    package init() { SHA256_Init(&context) }

    /// - Returns: `nil` unless the bytes are a state that this version wrote.
    package init?(state: [UInt8]) {
        guard state.count >= RunningDigest.fixedLength, state[0] == RunningDigest.version else { return nil }
        func word(at index: Int) -> UInt32 { state[index..<index + 4].reduce(0) { $0 << 8 | UInt32($1) } }
        let count = state[33..<41].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard count < 1 << 61, state.count == RunningDigest.fixedLength + Int(count % 64) else { return nil }
        SHA256_Init(&context)
        context.h = (
            word(at: 1), word(at: 5), word(at: 9), word(at: 13), word(at: 17), word(at: 21), word(at: 25), word(at: 29)
        )
        let bits = count * 8
        context.Nl = UInt32(truncatingIfNeeded: bits)
        context.Nh = UInt32(truncatingIfNeeded: bits >> 32)
        context.num = UInt32(count % 64)
        let pending = state.dropFirst(RunningDigest.fixedLength)
        withUnsafeMutableBytes(of: &context.data) { $0.copyBytes(from: pending) }
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
        SHA256_Update(&context, start, bytes.count)
    }

    /// The digest of what was given so far; more may follow.
    package func digest() -> Digest256 {
        var copy = context
        return withUnsafeTemporaryAllocation(byteCount: 32, alignment: 1) { out in
            SHA256_Final(out.baseAddress?.assumingMemoryBound(to: UInt8.self), &copy)
            guard let digest = Digest256(bytes: out) else { preconditionFailure("SHA-256 is 32 bytes long") }
            return digest
        }
    }

    /// How many bytes were given so far.
    package var count: UInt64 { (UInt64(context.Nh) << 32 | UInt64(context.Nl)) / 8 }

    package var state: [UInt8] {
        var bytes: [UInt8] = [RunningDigest.version]
        let words = context.h
        for word in [words.0, words.1, words.2, words.3, words.4, words.5, words.6, words.7] {
            withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
        }
        withUnsafeBytes(of: count.bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: context.data) { bytes.append(contentsOf: $0.prefix(Int(context.num))) }
        return bytes
    }

    /// The digest of these bytes alone.
    package static func digest(of bytes: UnsafeRawBufferPointer) -> Digest256 {
        var running = RunningDigest()
        running.update(bytes)
        return running.digest()
    }

    package static func digest(of bytes: [UInt8]) -> Digest256 { bytes.withUnsafeBytes { digest(of: $0) } }
}

extension Digest256 {
    /// The 32 bytes that `hex` spells.
    package var bytes: [UInt8] {
        func nibble(_ digit: UInt8) -> UInt8 { digit <= 0x39 ? digit - 0x30 : digit - 0x57 }
        let digits = Array(hex.utf8)
        return stride(from: 0, to: digits.count, by: 2).map { nibble(digits[$0]) << 4 | nibble(digits[$0 + 1]) }
    }
}
