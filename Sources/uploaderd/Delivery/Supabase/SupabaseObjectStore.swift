package import Shared
import Synchronization

/// Objects in a bucket of Supabase Storage, by its REST interface.
///
/// It has no conditional put. `x-upsert: false` says of a name that it is taken, which is how a final name is put; before an
/// object is replaced what is there is looked at.
package final class SupabaseObjectStore: ObjectStore {
    let connection: SupabaseConnection
    /// Where what was read back is digested.
    private let worker: any RoomExecutor
    private let signsUploads: Bool
    /// Uploads in pieces that broke off.
    let unfinished = Mutex<[ObjectKey: UnfinishedUpload]>([:])
    /// Whether the server has the listing by cursor; `nil`: it was not asked.
    let hasCursors = Mutex<Bool?>(nil)

    /// In bytes. More than a manifest or a merged segment ever has.
    private static let longestObject: Int64 = 4 << 30
    /// In bytes; longer objects go in pieces. What Supabase recommends.
    static let longestPut: Int64 = 6 << 20

    /// - Parameters:
    ///   - url: of the project: `https://….supabase.co`.
    ///   - bucket: of letters, digits, `.`, `_` and `-`.
    ///   - signsUploads: what goes in one piece goes with a token for that object, and without the key.
    ///   - worker: a lane for work.
    package init(
        url: String, bucket: String, signsUploads: Bool = false, key: BearerKey, client: any HTTPClient,
        time: any TimeSource,
        digestingOn worker: any RoomExecutor
    ) {
        connection = SupabaseConnection(
            SupabasePlace(url: url, bucket: bucket), client: client, key: key, time: time)
        self.worker = worker
        self.signsUploads = signsUploads
    }

    var place: SupabasePlace { connection.place }

    // MARK: Writing

    package func put(
        _ body: any ObjectBytes & Sendable, to key: ObjectKey, _ mode: PutMode
    ) async throws(DeliveryError) -> ObjectVersion {
        switch mode {
        case .immutable(let digest):
            if try await upload(body, to: key, replacing: false, digest) == .exists {
                try await requireSame(key, body.size, digest)
            }
            // The answer to an upload names no version, and of an object that never changes nobody needs one.
            return ObjectVersion(digest.hex)
        case .replacing(let version):
            guard try await look(at: key)?.version == version else { throw changed(key) }
            // Somebody was between our look and our put.
            if try await upload(body, to: key, replacing: version != nil, nil) == .exists { throw changed(key) }
            guard let there = try await look(at: key) else {
                throw DeliveryError(
                    .transient, "object \(key) in \(place) was put and is not there", hint: unseenHint)
            }
            return there.version
        }
    }

    private func changed(_ key: ObjectKey) -> DeliveryError {
        DeliveryError(.conflict, "object \(key) in \(place) is not the one that was there before")
    }

    private var unseenHint: String {
        "the key may write and not read: let a policy on storage.objects allow select in the bucket \(place.bucket)"
    }

    /// What became of an upload.
    enum Uploaded: Sendable {
        case done
        /// Nothing was changed: the name is taken.
        case exists
    }

    /// - Parameter digest: of what never changes, so that an upload that broke off goes on; `nil`: it begins anew.
    private func upload(
        _ body: any ObjectBytes & Sendable, to key: ObjectKey, replacing: Bool, _ digest: Digest256?
    ) async throws(DeliveryError) -> Uploaded {
        if body.size > Self.longestPut,
            let uploaded = try await uploadInPieces(body, to: key, replacing: replacing, digest)
        {
            return uploaded
        }
        if signsUploads { return try await uploadSigned(body, to: key, replacing: replacing) }
        let request = SupabaseConnection.Request(
            method: .post, path: "object/\(place.bucket)/\(key)",
            headers: ["Content-Type": key.contentType, "x-upsert": replacing ? "true" : "false"],
            body: .object(body), purpose: "put object \(key)")
        return try uploaded(key, request, try await connection.send(request))
    }

    func uploaded(
        _ key: ObjectKey, _ request: SupabaseConnection.Request, _ result: Result<HTTPResponse, SupabaseRefusal>
    ) throws(DeliveryError) -> Uploaded {
        switch result {
        case .success(let answer):
            // Whoever else answers 200 to anything must not count as a store.
            let said = try? JSONText.decode(JSONValue.self, from: try answer.start(64 << 10))
            guard said?["Key"]?.text == "\(place.bucket)/\(key)" else {
                throw notStorage(request.purpose)
            }
            return .done
        case .failure(let refusal) where refusal.meaning == .exists: return .exists
        case .failure(let refusal): throw refusal.error
        }
    }

    func notStorage(_ purpose: String) -> DeliveryError {
        DeliveryError(
            .unusable, "could not \(purpose) in \(place): the answer is none of Supabase Storage's",
            hint: "is \(place.url) the address of a Supabase project, and Storage running there?",
            retryAfter: .seconds(60))
    }

    /// The name is taken: by the same bytes, then it was put before, or was that what timed out; or by others.
    func requireSame(_ key: ObjectKey, _ size: Int64, _ digest: Digest256) async throws(DeliveryError) {
        guard let there = try await look(at: key) else {
            throw DeliveryError(
                .authentication, "object \(key) in \(place) is there and cannot be seen", hint: unseenHint,
                retryAfter: DeliveryError.pause)
        }
        var found: Digest256?
        if there.size == nil || there.size == size {
            found = try await ObjectDigest.of(try await read(key, range: nil), key, on: worker)
        }
        guard found == digest else {
            throw DeliveryError(
                .conflict, "object \(key) in \(place) is there with other bytes",
                hint: "move it away; its name says what its bytes should be")
        }
    }

    package func sweep(_ prefix: String) {}

    package func delete(_ key: ObjectKey) async throws(DeliveryError) {
        let request = SupabaseConnection.Request(
            method: .delete, path: "object/\(place.bucket)/\(key)", purpose: "delete object \(key)")
        guard case .failure(let refusal) = try await connection.send(request) else { return }
        guard refusal.meaning == .absent else { throw refusal.error }
        // What a policy does not let us delete is answered as if it were not there.
        if try await look(at: key) != nil {
            throw DeliveryError(
                .authentication, "could not delete object \(key) in \(place): the key may not",
                hint:
                    "let a policy on storage.objects allow delete in the bucket \(place.bucket), or use the service key",
                retryAfter: DeliveryError.pause)
        }
    }

    // MARK: Reading

    private struct Seen {
        var size: Int64?
        var version: ObjectVersion
    }

    package func version(of key: ObjectKey) async throws(DeliveryError) -> ObjectVersion? {
        try await look(at: key)?.version
    }

    /// By GET: a HEAD has no body, which alone says whether it is the object that is not there, the bucket, or the key.
    private func look(at key: ObjectKey) async throws(DeliveryError) -> Seen? {
        let request = SupabaseConnection.Request(
            method: .get, path: "object/info/authenticated/\(place.bucket)/\(key)", purpose: "look at object \(key)")
        let result = try await connection.send(request)
        if case .failure(let refusal) = result, refusal.meaning == .absent { return nil }
        let answer = try result.answer()
        let said = try? JSONText.decode(JSONValue.self, from: try answer.start(1 << 20))
        // Old servers say all of it in headers.
        let tag = said?["etag"]?.text ?? answer.headers["ETag"]
        let time = said?["last_modified"]?.text ?? answer.headers["Last-Modified"]
        guard let version = said?["version"]?.text ?? tag.flatMap({ tag in time.map { "\(tag) \($0)" } }) else {
            throw notStorage(request.purpose)
        }
        return Seen(size: said?["size"]?.int, version: ObjectVersion(version))
    }

    package func read(_ key: ObjectKey, range: Range<Int64>?) async throws(DeliveryError) -> any ObjectBytes & Sendable
    {
        let wanted = range.map { max($0.lowerBound, 0)..<max($0.upperBound, max($0.lowerBound, 0)) }
        if let wanted, wanted.isEmpty {
            guard try await look(at: key) != nil else { throw absent(key) }
            return MemoryObject([])
        }
        var request = SupabaseConnection.Request(
            method: .get, path: "object/authenticated/\(place.bucket)/\(key)", purpose: "read object \(key)",
            longestAnswer: Self.longestObject)
        if let wanted { request.headers["Range"] = "bytes=\(wanted.lowerBound)-\(wanted.upperBound - 1)" }
        switch try await connection.send(request) {
        case .success(let answer):
            guard let wanted else { return answer.body }
            guard answer.status == 206 else { return ObjectSlice(answer.body, wanted) }
            guard answer.headers["Content-Range"]?.hasPrefix("bytes \(wanted.lowerBound)-") == true else {
                throw DeliveryError(
                    .transient, "could not read object \(key) in \(place): another range came than was asked for")
            }
            return ObjectSlice(answer.body, 0..<wanted.upperBound - wanted.lowerBound)
        case .failure(let refusal):
            switch refusal.meaning {
            case .absent: throw absent(key)
            case .behindTheEnd where wanted != nil: return MemoryObject([])
            default: throw refusal.error
            }
        }
    }

    private func absent(_ key: ObjectKey) -> DeliveryError {
        DeliveryError(.notFound, "there is no object \(key) in \(place)")
    }
}
