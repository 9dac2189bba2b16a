import Shared
import Synchronization

/// An upload in pieces that may go on where it broke off.
struct UnfinishedUpload: Sendable {
    /// Its name at the server: base64url.
    var name: String
    var digest: Digest256
}

/// Long objects, by the resumable uploads of Supabase Storage: TUS 1.0.0 (tus.io/protocols), in pieces of 6 MiB.
///
///     POST  upload/resumable          Upload-Length, Upload-Metadata → 201 and where it goes on
///     PATCH upload/resumable/<name>   Upload-Offset → 204 and the next one; with the last piece the object is there
///     HEAD  upload/resumable/<name>   → the offset that it has
///
/// Here statuses are what they say, and bodies are plain text. An upload is forgotten by the server after an hour or a day.
extension SupabaseObjectStore {
    /// In bytes; all but the last have so many. The server's documents want it.
    private static let piece: Int64 = 6 << 20
    /// How often one call begins anew, or asks anew where the upload is.
    private static let mostTurns = 3

    /// - Parameter digest: of what never changes; `nil`: it may be other bytes each time, and begins anew.
    /// - Returns: `nil` when the server has no such uploads.
    func uploadInPieces(
        _ body: any ObjectBytes & Sendable, to key: ObjectKey, replacing: Bool, _ digest: Digest256?
    ) async throws(DeliveryError) -> Uploaded? {
        var turns = 0
        while true {
            var offset: Int64 = 0
            let name: String
            if let digest, let left = unfinished.withLock({ $0[key] }), left.digest == digest,
                let arrived = try await arrived(left.name, key)
            {
                (name, offset) = (left.name, arrived)
            } else {
                switch try await begin(body.size, key, replacing: replacing) {
                case .taken: return .exists
                case .unknown: return nil
                case .begun(let begun): name = begun
                }
                if let digest { unfinished.withLock { $0[key] = UnfinishedUpload(name: name, digest: digest) } }
            }
            // All of it arrived, and it is not known whether it became the object.
            if offset >= body.size {
                unfinished.withLock { $0[key] = nil }
                if try await version(of: key) != nil { return .exists }
                try turn(&turns, key)
                continue
            }
            if try await send(body, from: offset, to: name, key) {
                unfinished.withLock { $0[key] = nil }
                return .done
            }
            try turn(&turns, key)
        }
    }

    private func turn(_ turns: inout Int, _ key: ObjectKey) throws(DeliveryError) {
        turns += 1
        guard turns < Self.mostTurns else {
            throw DeliveryError(
                .transient, "could not put object \(key) in \(place): the server does not say how its upload goes on")
        }
    }

    /// - Returns: whether it is whole; else where it goes on has to be asked.
    private func send(
        _ body: any ObjectBytes & Sendable, from start: Int64, to name: String, _ key: ObjectKey
    ) async throws(DeliveryError) -> Bool {
        var offset = start
        while offset < body.size {
            let piece = ObjectSlice(body, offset..<min(offset + Self.piece, body.size))
            var request = pieceRequest(.patch, name, key)
            request.headers["Content-Type"] = "application/offset+octet-stream"
            request.headers["Upload-Offset"] = "\(offset)"
            request.body = .object(piece)
            switch try await connection.send(request) {
            case .success(let answer):
                offset += piece.size
                guard answer.headers["Upload-Offset"] == "\(offset)" else { return false }
            case .failure(let refusal):
                // 409: it is elsewhere than we thought, or another request holds it, or the object came meanwhile.
                // 404, 410: it is forgotten.
                if [404, 409, 410].contains(refusal.status) { return false }
                throw refusal.error
            }
        }
        return true
    }

    /// How many bytes of it the server has.
    ///
    /// - Returns: `nil` when the upload is forgotten.
    private func arrived(_ name: String, _ key: ObjectKey) async throws(DeliveryError) -> Int64? {
        switch try await connection.send(pieceRequest(.head, name, key)) {
        case .success(let answer):
            guard let offset = answer.headers["Upload-Offset"].flatMap({ Int64($0) }), offset >= 0 else {
                throw notStorage("put object \(key)")
            }
            return offset
        case .failure(let refusal):
            guard [404, 410].contains(refusal.status) else { throw refusal.error }
            unfinished.withLock { $0[key] = nil }
            return nil
        }
    }

    private enum Begun {
        case begun(String)
        case taken
        case unknown
    }

    private func begin(_ size: Int64, _ key: ObjectKey, replacing: Bool) async throws(DeliveryError) -> Begun {
        let metadata = [
            ("bucketName", place.bucket), ("objectName", key.rawValue), ("contentType", key.contentType),
            ("cacheControl", "no-cache"),
        ].map { "\($0) \(Array($1.utf8).withUnsafeBytes { Base64.text(of: $0) })" }.joined(separator: ",")
        var request = pieceRequest(.post, nil, key)
        request.headers["Upload-Length"] = "\(size)"
        request.headers["Upload-Metadata"] = metadata
        request.headers["x-upsert"] = replacing ? "true" : "false"
        switch try await connection.send(request) {
        case .success(let answer):
            // Of the address only the name counts: the server may believe to be elsewhere, and the key goes to ours alone.
            guard let name = answer.headers["Location"]?.split(separator: "/").last.map(String.init),
                name.utf8.allSatisfy(Self.isNameByte), !name.isEmpty, name.utf8.count <= 4096
            else { throw notStorage(request.purpose) }
            return .begun(name)
        case .failure(let refusal):
            if refusal.status == 409 { return .taken }
            // It may also be the bucket; the plain upload says so.
            if [404, 405, 501].contains(refusal.status) { return .unknown }
            throw refusal.error
        }
    }

    private func pieceRequest(_ method: HTTPMethod, _ name: String?, _ key: ObjectKey) -> SupabaseConnection.Request {
        SupabaseConnection.Request(
            method: method, path: "upload/resumable\(name.map { "/\($0)" } ?? "")",
            headers: ["Tus-Resumable": "1.0.0"], purpose: "put object \(key)")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "="): true
        default: false
        }
    }
}
