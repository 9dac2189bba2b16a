private import CCrypto

/// The primitives of age v1, each of them libcrypto's.
enum AgeCipher {
    static let keySize = 32
    /// Of the key that a header carries.
    static let fileKeySize = 16
    /// Of what encryption adds to each piece.
    static let tagSize = 16

    /// HKDF-SHA-256.
    ///
    /// - Parameter salt: may be empty.
    static func derived(
        from secret: SecretBytes, salt: [UInt8] = [], info: some Collection<UInt8>, count: Int = keySize
    ) -> SecretBytes {
        let info = Array(info)
        var out = [UInt8](repeating: 0, count: keySize)
        defer { SecretBytes.wipe(&out) }
        let isDone = secret.withBytes { secret in
            uploaderd_hkdf(secret.bytes, secret.count, salt, salt.count, info, info.count, &out)
        }
        // Only without memory, or without SHA-256: HMAC(3).
        precondition(isDone == 1 && count <= keySize, "HKDF-SHA-256 gives 32 bytes")
        return SecretBytes(out[..<count])
    }

    /// - Parameter point: 32 bytes.
    /// - Returns: `nil` for a point of low order, whose secret everybody would share.
    static func shared(_ secret: SecretBytes, _ point: [UInt8]) -> SecretBytes? {
        var out = [UInt8](repeating: 0, count: keySize)
        defer { SecretBytes.wipe(&out) }
        let isDone = secret.withBytes { secret in uploaderd_x25519(secret.bytes, point, &out) }
        return isDone == 1 ? SecretBytes(out) : nil
    }

    static func point(of secret: SecretBytes) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: keySize)
        let isDone = secret.withBytes { secret in uploaderd_x25519_public(secret.bytes, &out) }
        precondition(isDone == 1, "every 32 bytes are an X25519 key")
        return out
    }

    /// - Parameters:
    ///   - nonce: 12 bytes.
    ///   - room: of the size of `plain` and 16 more.
    static func seal(
        _ plain: UnsafeRawBufferPointer, _ key: SecretBytes, nonce: [UInt8], into room: UnsafeMutableRawBufferPointer
    ) {
        let isDone = key.withBytes { key in
            uploaderd_seal(key.bytes, nonce, plain.bytes, Int32(plain.count), room.bytes)
        }
        precondition(isDone == 1, "ChaCha20-Poly1305 takes all bytes: EVP_EncryptInit(3)")
    }

    /// - Parameter room: 16 bytes smaller than `sealed`.
    /// - Returns: whether this key, this nonce and exactly these bytes belong together.
    static func open(
        _ sealed: UnsafeRawBufferPointer, _ key: SecretBytes, nonce: [UInt8], into room: UnsafeMutableRawBufferPointer
    ) -> Bool {
        guard sealed.count >= tagSize else { return false }
        return key.withBytes { key in
            uploaderd_open(key.bytes, nonce, sealed.bytes, Int32(sealed.count - tagSize), room.bytes)
        } == 1
    }

    /// HMAC-SHA-256.
    static func mac(_ message: [UInt8], _ key: SecretBytes) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: keySize)
        var size: UInt32 = 0
        let made = key.withBytes { key in
            HMAC(EVP_sha256(), key.baseAddress, Int32(key.count), message, message.count, &out, &size)
        }
        precondition(made != nil && size == keySize, "HMAC-SHA-256 is 32 bytes long")
        return out
    }

    /// In the same time whatever they hold.
    static func isSame(_ a: [UInt8], _ b: [UInt8]) -> Bool { a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0 }
}

extension UnsafeRawBufferPointer {
    fileprivate var bytes: UnsafePointer<UInt8>? { baseAddress?.assumingMemoryBound(to: UInt8.self) }
}

extension UnsafeMutableRawBufferPointer {
    fileprivate var bytes: UnsafeMutablePointer<UInt8>? { baseAddress?.assumingMemoryBound(to: UInt8.self) }
}
