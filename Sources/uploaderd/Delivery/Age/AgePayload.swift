import Shared

/// How an age v1 file's text lies behind its header: 16 bytes of nonce, then the text in chunks of 64 KiB, each of them encrypted for
/// itself under its number, the last one marked. So any range of the text is read from the chunks that cover it, and no
/// chunk can be left out, added or moved.
struct AgePayload: Sendable {
    static let nonceSize = 16
    static let chunk: Int64 = 64 << 10
    static let sealedChunk = chunk + Int64(AgeCipher.tagSize)

    /// Of the text.
    let size: Int64
    /// How many; of an empty text one.
    var chunks: Int64 { max(1, (size + Self.chunk - 1) / Self.chunk) }
    /// Of all chunks.
    var sealedSize: Int64 { size + chunks * Int64(AgeCipher.tagSize) }

    init(size: Int64) { self.size = size }

    /// - Throws: `payload` when no text gives so many bytes.
    init(sealedSize: Int64) throws(AgeFault) {
        let chunks = max(1, (sealedSize + Self.sealedChunk - 1) / Self.sealedChunk)
        size = sealedSize - chunks * Int64(AgeCipher.tagSize)
        // Only an empty text has an empty last chunk.
        guard size > (chunks - 1) * Self.chunk || sealedSize == Int64(AgeCipher.tagSize) else {
            throw .payload("it ends in the middle of a chunk")
        }
    }

    /// Where the text of a chunk lies in the whole text.
    func range(of chunk: Int64) -> Range<Int64> {
        chunk * Self.chunk..<min((chunk + 1) * Self.chunk, max(size, chunk * Self.chunk))
    }

    static func key(_ fileKey: SecretBytes, nonce: [UInt8]) -> SecretBytes {
        AgeCipher.derived(from: fileKey, salt: nonce, info: "payload".utf8)
    }

    /// Of a chunk: its number, big-endian, and whether it is the last one.
    static func nonce(_ chunk: Int64, isLast: Bool) -> [UInt8] {
        [0, 0, 0] + withUnsafeBytes(of: UInt64(chunk).bigEndian) { Array($0) } + [isLast ? 1 : 0]
    }
}
