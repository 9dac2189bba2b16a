import Shared
import Synchronization

/// The text of an age file, or of some chunks of one, decrypted chunk by chunk when it is read; a changed chunk is thrown as `DamagedBytes`.
final class DecryptedBytes: ObjectBytes, Sendable {
    private struct Opened {
        var number: Int64
        var bytes: [UInt8]
    }

    private let sealed: any ObjectBytes & Sendable
    /// Where in `sealed` the first of these chunks begins.
    private let start: Int64
    private let key: SecretBytes
    /// Of these chunks alone.
    private let payload: AgePayload
    /// The number of the first one in the file.
    private let first: Int64
    /// Whether the last of them is the file's last.
    private let endsFile: Bool
    private let last = Mutex<Opened?>(nil)

    /// Decrypts the last chunk: after that the size is known to be the one that the file was made with.
    ///
    /// - Parameters:
    ///   - sealed: has nothing behind the chunks.
    ///   - endsFile: whether the file ends with these chunks; `nil`: its last chunk says it.
    /// - Throws: `AgeFault.payload`; what reading throws.
    init(
        _ sealed: any ObjectBytes & Sendable, from start: Int64, _ key: SecretBytes, first: Int64 = 0,
        endsFile: Bool? = true
    ) throws {
        self.sealed = sealed
        self.start = start
        self.key = key
        self.first = first
        payload = try AgePayload(sealedSize: sealed.size - start)
        let number = payload.chunks - 1
        let bytes = try Self.stored(number, sealed, start, payload)
        for endsFile in endsFile.map({ [$0] }) ?? [false, true] {
            guard let plain = Self.opened(bytes, key, AgePayload.nonce(first + number, isLast: endsFile)) else {
                continue
            }
            self.endsFile = endsFile
            last.withLock { $0 = Opened(number: number, bytes: plain) }
            return
        }
        throw AgeFault.payload("its end was cut off or changed")
    }

    var size: Int64 { payload.size }

    func read(at offset: Int64, into room: UnsafeMutableRawBufferPointer) throws -> Int {
        guard offset >= 0 else { return 0 }
        var count = 0
        while count < room.count, offset + Int64(count) < size {
            let place = offset + Int64(count)
            let opened = try chunk(place / AgePayload.chunk)
            let part = opened.bytes.dropFirst(Int(place % AgePayload.chunk)).prefix(room.count - count)
            UnsafeMutableRawBufferPointer(rebasing: room[count...]).copyBytes(from: part)
            count += part.count
            last.withLock { $0 = opened }
        }
        return count
    }

    private func chunk(_ number: Int64) throws -> Opened {
        let kept = last.withLock { last in
            defer { last = nil }
            return last
        }
        if let kept, kept.number == number { return kept }
        let bytes = try Self.stored(number, sealed, start, payload)
        let isLast = endsFile && number == payload.chunks - 1
        guard let plain = Self.opened(bytes, key, AgePayload.nonce(first + number, isLast: isLast)) else {
            throw DamagedBytes("its chunk \(first + number) was changed")
        }
        return Opened(number: number, bytes: plain)
    }

    private static func stored(
        _ number: Int64, _ sealed: any ObjectBytes & Sendable, _ start: Int64, _ payload: AgePayload
    ) throws -> [UInt8] {
        let range = payload.range(of: number)
        var bytes = [UInt8](repeating: 0, count: Int(range.upperBound - range.lowerBound) + AgeCipher.tagSize)
        try bytes.withUnsafeMutableBytes { try sealed.readWhole(at: start + number * AgePayload.sealedChunk, into: $0) }
        return bytes
    }

    private static func opened(_ bytes: [UInt8], _ key: SecretBytes, _ nonce: [UInt8]) -> [UInt8]? {
        var plain = [UInt8](repeating: 0, count: bytes.count - AgeCipher.tagSize)
        let isOurs = plain.withUnsafeMutableBytes { room in
            bytes.withUnsafeBytes { AgeCipher.open($0, key, nonce: nonce, into: room) }
        }
        return isOurs ? plain : nil
    }
}
