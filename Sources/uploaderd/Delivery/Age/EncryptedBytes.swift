import Digests
import Shared
import Synchronization

/// An object as an age file, made piece by piece while it is read: of whatever size it is, one chunk of it is held.
///
/// A key and a nonce may never meet two texts, so what was encrypted once is compared with what is encrypted when a chunk is
/// read again: a text that changed meanwhile is not given away.
final class EncryptedBytes: ObjectBytes, Sendable {
    private struct Sealing {
        /// Of the text as far as it was read in order, and where that is.
        var digest = RunningDigest()
        /// Of each chunk that was encrypted, in order: its last 16 bytes.
        var tags: [UInt8] = []
    }

    /// A chunk as it is stored.
    private struct Sealed {
        var number: Int64
        var bytes: [UInt8]
    }

    private let text: any ObjectBytes & Sendable
    /// With the nonce.
    private let header: [UInt8]
    private let key: SecretBytes
    private let payload: AgePayload
    private let expected: Digest256?
    private let sealing = Mutex(Sealing())
    /// Taken out while it is used: what is read in order is encrypted once.
    private let last = Mutex<Sealed?>(nil)

    /// - Parameters:
    ///   - expected: of all of `text`: what is something else is never read to its end.
    init(
        _ text: any ObjectBytes & Sendable, expecting expected: Digest256?, _ seal: ObjectSeal,
        to recipients: [AgeRecipient]
    ) throws(AgeHeader.UnusableRecipient) {
        self.text = text
        self.expected = expected
        header = try AgeHeader.bytes(seal.fileKey, to: recipients, secret: seal.secret(for:)) + seal.nonce
        key = AgePayload.key(seal.fileKey, nonce: seal.nonce)
        payload = AgePayload(size: text.size)
    }

    var size: Int64 { Int64(header.count) + payload.sealedSize }

    func read(at offset: Int64, into room: UnsafeMutableRawBufferPointer) throws -> Int {
        guard offset >= 0 else { return 0 }
        var count = 0
        while count < room.count, offset + Int64(count) < size {
            let place = offset + Int64(count) - Int64(header.count)
            let rest = UnsafeMutableRawBufferPointer(rebasing: room[count...])
            if place < 0 {
                let part = header.suffix(Int(-place)).prefix(rest.count)
                rest.copyBytes(from: part)
                count += part.count
            } else {
                let sealed = try chunk(place / AgePayload.sealedChunk)
                let part = sealed.bytes.dropFirst(Int(place % AgePayload.sealedChunk)).prefix(rest.count)
                rest.copyBytes(from: part)
                count += part.count
                last.withLock { $0 = sealed }
            }
        }
        return count
    }

    private func chunk(_ number: Int64) throws -> Sealed {
        let kept = last.withLock { last in
            defer { last = nil }
            return last
        }
        if let kept, kept.number == number { return kept }
        let range = payload.range(of: number)
        var plain = [UInt8](repeating: 0, count: Int(range.upperBound - range.lowerBound))
        try plain.withUnsafeMutableBytes { try text.readWhole(at: range.lowerBound, into: $0) }
        var sealed = Sealed(number: number, bytes: [UInt8](repeating: 0, count: plain.count + AgeCipher.tagSize))
        let nonce = AgePayload.nonce(number, isLast: number == payload.chunks - 1)
        sealed.bytes.withUnsafeMutableBytes { room in
            plain.withUnsafeBytes { AgeCipher.seal($0, key, nonce: nonce, into: room) }
        }
        try note(plain, sealed)
        return sealed
    }

    private func note(_ plain: [UInt8], _ sealed: Sealed) throws(DeliveryError) {
        let tag = sealed.bytes.suffix(AgeCipher.tagSize)
        let place = Int(sealed.number) * AgeCipher.tagSize
        try sealing.withLock { (sealing) throws(DeliveryError) in
            guard place <= sealing.tags.count else {
                throw DeliveryError(.transient, "an object is encrypted out of order")
            }
            if place < sealing.tags.count {
                guard sealing.tags[place..<place + AgeCipher.tagSize].elementsEqual(tag) else {
                    throw DeliveryError(.transient, "the bytes of an object changed while it was encrypted")
                }
                return
            }
            plain.withUnsafeBytes { sealing.digest.update($0) }
            if sealed.number == payload.chunks - 1, let expected, sealing.digest.digest() != expected {
                throw DeliveryError(.transient, "the bytes of an object are not \(expected), which they should be")
            }
            sealing.tags += tag
        }
    }
}

extension ObjectBytes {
    /// - Throws: also when it ends before `room` is full.
    func readWhole(at offset: Int64, into room: UnsafeMutableRawBufferPointer) throws {
        var count = 0
        while count < room.count {
            let part = try read(
                at: offset + Int64(count), into: UnsafeMutableRawBufferPointer(rebasing: room[count...]))
            guard part > 0 else {
                throw DeliveryError(.transient, "an object ends after \(offset + Int64(count)) of \(size) bytes")
            }
            count += part
        }
    }
}
