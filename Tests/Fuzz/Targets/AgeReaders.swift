import Delivery
import Digests
import LinuxSystem
import Shared

/// Encrypted objects as a store may give them back, and the texts of keys.
enum AgeReaders {
    private static let identity = AgeIdentity([UInt8](repeating: 7, count: 32))
    private static let text = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    private static let file: [UInt8] = {
        guard let file = try? encrypted(text) else { preconditionFailure("nothing can be encrypted") }
        return file
    }()
    /// Behind the header and the nonce.
    private static let payload = file.suffix(text.count + 32)

    static func file(_ bytes: UnsafeRawBufferPointer) {
        let bytes = Array(bytes)
        _ = decrypted(bytes)
        // Past the header's HMAC nothing comes by chance, so a whole one stands before the same bytes.
        let read = decrypted(file.dropLast(payload.count) + bytes)
        precondition(read == nil || (bytes == Array(payload) && read == text), "a payload was made up")
        guard let own = try? encrypted(bytes), decrypted(own) == bytes else {
            preconditionFailure("what was encrypted is not what comes back")
        }
        key(bytes)
    }

    private static func encrypted(_ text: [UInt8]) throws -> [UInt8] {
        try whole(try AgeFile.bytes(of: MemoryObject(text), to: [identity.recipient], random: SystemRandom()))
    }

    private static func decrypted(_ file: [UInt8]) -> [UInt8]? {
        do {
            return try whole(try AgeFile.text(of: MemoryObject(file), [identity]))
        } catch let fault as AgeFault {
            precondition(!fault.description.isEmpty)
        } catch {
            precondition(error is DamagedBytes, "\(error)")
        }
        return nil
    }

    private static func whole(_ object: any ObjectBytes) throws -> [UInt8] {
        var all = [UInt8](repeating: 0, count: Int(object.size))
        var count = 0
        while count < all.count {
            let part = try all.withUnsafeMutableBytes { room in
                try object.read(at: Int64(count), into: UnsafeMutableRawBufferPointer(rebasing: room[count...]))
            }
            precondition(part > 0, "an object ends before its size")
            count += part
        }
        return all
    }

    /// A key that is read is written as it was.
    private static func key(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        if let recipient = try? AgeRecipient(text) {
            precondition(AgeRecipient(point: recipient.point).text == text, "a recipient changes when it is written")
        }
        if let secret = AgeIdentityText.secret(bytes) {
            precondition(Bech32.text(of: secret, kind: "age-secret-key-").uppercased() == text)
        }
        _ = AgeIdentityText.secrets(in: bytes)
    }
}
