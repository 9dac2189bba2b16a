import Digests
import Shared
import Synchronization

/// Long objects, in parts (S3's multipart upload).
///
///     POST   <key>?uploads                        → UploadId
///     PUT    <key>?partNumber=1&uploadId=<id>     → ETag
///     POST   <key>?uploadId=<id>, all the ETags   → the object is there; or 200 and an <Error>, and it is not
///     DELETE <key>?uploadId=<id>                  → forgotten: until then the server keeps what it has, and bills it
///     GET    ?uploads&prefix=<key>                → those that nobody has finished
///
/// What was broken off goes on with the next attempt: parts that have the same bytes are not sent again. It is forgotten at the
/// server when nothing will come of it. What a process left that was killed is forgotten before the next upload of the same
/// object; what is a day old, whoever left it, before the first of a process; and all of a session with the session.
extension S3ObjectStore {
    /// How often one call begins anew, where the server forgets what it was sent.
    private static let mostTurns = 3
    /// What is older is nobody's.
    private static let grace: Duration = .seconds(24 * 3600)

    /// - Parameter version: what has to be there when all parts are, right before they are joined.
    func uploadInParts(
        _ body: any ObjectBytes & Sendable, to key: ObjectKey, replacing version: ObjectVersion?,
        _ condition: (String, String)?
    ) async throws(DeliveryError) -> Result<HTTPResponse, S3Connection.Refused> {
        for _ in 0..<Self.mostTurns {
            let id = try await begun(key, body.size)
            do throws(DeliveryError) {
                let count = try await send(body, to: key)
                guard try await self.version(of: key) == version else { throw changed(key) }
                let isPlain = parted.withLock { $0.isPlain }
                var answer = try await join(count, key, isPlain ? nil : condition)
                if case .failure(let refused) = answer, refused.refusal.status == 412,
                    try await self.version(of: key) == version
                {
                    // It compares with something else than the object: Swift's s3api does.
                    parted.withLock { $0.isPlain = true }
                    answer = try await join(count, key, nil)
                }
                switch answer {
                case .success: drop(key)
                case .failure(let refused):
                    // It is asked once more without the condition, and the parts are there.
                    if refused.refusal.isUnknownCondition { return answer }
                    if refused.refusal.isMissingUpload {
                        drop(key)
                        continue
                    }
                    if !refused.error.isTransient { await abandon(id, key) }
                }
                return answer
            } catch {
                if error.code == .notFound {
                    drop(key)
                    continue
                }
                if error.isOfOneSession { await abandon(id, key) }
                throw error
            }
        }
        throw DeliveryError(
            .transient, "could not put object \(key) in \(connection.address): the server forgets the parts it was sent"
        )
    }

    private func drop(_ key: ObjectKey) { parted.withLock { _ = $0.open.removeValue(forKey: key) } }

    /// The upload that goes on, or another one.
    private func begun(_ key: ObjectKey, _ size: Int64) async throws(DeliveryError) -> String {
        let partSize = partLimits.partSize(of: size)
        if let open = parted.withLock({ $0.open[key] }) {
            if open.partSize == partSize { return open.id }
            await abandon(open.id, key)
        }
        try await abandonLeft(of: key)
        let answer = try await connection.send(
            S3Connection.Request(
                method: .post, key: key, query: [("uploads", "")], headers: ["Content-Type": key.contentType],
                purpose: purpose(key))
        ).answer()
        guard let id = XMLElement.document(try answer.start())?["UploadId"], !id.isEmpty else {
            throw DeliveryError(
                .transient, "could not \(purpose(key)) in \(connection.address): the answer names no upload",
                hint: "is \(connection.address.endpoint) the address of an S3 server?")
        }
        parted.withLock { $0.open[key] = PartedUpload(id: id, partSize: partSize) }
        return id
    }

    /// - Returns: how many parts it has.
    /// - Throws: `notFound` when the server has forgotten them.
    private func send(_ body: any ObjectBytes & Sendable, to key: ObjectKey) async throws(DeliveryError) -> Int {
        guard let upload = parted.withLock({ $0.open[key] }) else { return 0 }
        let ranges = upload.ranges(of: body.size)
        for (number, range) in zip(1..., ranges) {
            let part = ObjectSlice(body, range)
            let digest = try await ObjectDigest.of(part, key, on: worker)
            guard upload.parts[number]?.digest != digest else { continue }
            let tag = try await send(part, digest, number, upload.id, key)
            parted.withLock { $0.open[key]?.parts[number] = PartedUpload.Part(digest: digest, tag: tag) }
        }
        return ranges.count
    }

    /// - Returns: what the server calls it.
    private func send(
        _ part: ObjectSlice, _ digest: Digest256, _ number: Int, _ id: String, _ key: ObjectKey
    ) async throws(DeliveryError) -> String {
        let request = S3Connection.Request(
            method: .put, key: key, query: [("partNumber", "\(number)"), ("uploadId", id)], body: .object(part),
            payload: digest.hex, purpose: purpose(key))
        var result = try await connection.send(request)
        // A flipped bit on the way; if it is again, it is no chance.
        if case .failure(let refused) = result, refused.refusal.isBadDigest {
            result = try await connection.send(request)
        }
        if case .failure(let refused) = result, refused.refusal.isMissingUpload {
            throw DeliveryError(.notFound, refused.error.message)
        }
        guard let tag = try result.answer().headers["ETag"] else {
            throw DeliveryError(
                .transient, "could not \(purpose(key)) in \(connection.address): the answer says no ETag")
        }
        return tag
    }

    private func join(
        _ count: Int, _ key: ObjectKey, _ condition: (String, String)?
    ) async throws(DeliveryError) -> Result<HTTPResponse, S3Connection.Refused> {
        guard let upload = parted.withLock({ $0.open[key] }) else {
            throw DeliveryError(.notFound, "nothing of object \(key) was sent")
        }
        let bytes = upload.completion(count)
        var request = S3Connection.Request(
            method: .post, key: key, query: [("uploadId", upload.id)], headers: ["Content-Type": "application/xml"],
            body: .bytes(bytes), payload: RunningDigest.digest(of: bytes).hex, purpose: purpose(key))
        if let condition { request.headers[condition.0] = condition.1 }
        let result = try await connection.send(request)
        guard case .success(let answer) = result, XMLElement.document(try answer.start())?.name == "Error" else {
            return result
        }
        // It began to answer before it was done: what it says then counts.
        let refusal = try S3Refusal(answer)
        let error = refusal.error(request.purpose, at: connection.address, clockError: nil)
        return .failure(S3Connection.Refused(refusal: refusal, error: error))
    }

    private func purpose(_ key: ObjectKey) -> String { "put object \(key) in parts" }

    // MARK: What nothing will come of

    /// Nothing goes on with it.
    private func abandon(_ id: String, _ key: ObjectKey) async {
        drop(key)
        do throws(DeliveryError) { try await abort(id, key) } catch {
            // Safe: it is looked for before the next upload of the object.
        }
    }

    private func abort(_ id: String, _ key: ObjectKey) async throws(DeliveryError) {
        let request = S3Connection.Request(
            method: .delete, key: key, query: [("uploadId", id)], purpose: "abandon the parts of object \(key)",
            mayBeDenied: true)
        if case .failure(let refused) = try await connection.send(request), refused.error.isTransient {
            throw refused.error
        }
    }

    private func abandonLeft(of key: ObjectKey) async throws(DeliveryError) {
        for left in try await uploads(below: key.rawValue) where left.key == key { try await abort(left.id, key) }
        guard parted.withLock({ !$0.isSwept }) else { return }
        let limit = WallTime(nanoseconds: connection.now.nanoseconds - Self.grace.nanoseconds)
        for left in try await uploads(below: "") {
            guard let begun = left.begun, begun < limit else { continue }
            try await abort(left.id, left.key)
        }
        parted.withLock { $0.isSwept = true }
    }

    package func sweep(_ prefix: String) async throws(DeliveryError) {
        for left in try await uploads(below: prefix) {
            drop(left.key)
            try await abort(left.id, left.key)
        }
    }

    private struct Left {
        var key: ObjectKey
        var id: String
        var begun: WallTime?
    }

    /// - Returns: `[]` also where the server cannot list them, or not to us: whoever keeps the bucket has rules for them there.
    private func uploads(below prefix: String) async throws(DeliveryError) -> [Left] {
        let purpose = "list what was not finished below \(prefix.isEmpty ? "the prefix" : prefix)"
        var found: [Left] = []
        var from: [(String, String)] = []
        while true {
            let query = [
                ("uploads", ""), ("encoding-type", "url"), ("prefix", connection.address.prefix + prefix),
            ]
            let result = try await connection.send(
                S3Connection.Request(
                    method: .get, key: nil, query: query + from, purpose: purpose, mayBeDenied: true))
            guard case .success(let answer) = result else { return found }
            guard let page = XMLElement.document(try answer.start(Int(HTTPRequest.usualAnswer))),
                page.name == "ListMultipartUploadsResult"
            else { return found }
            let isEncoded = page["EncodingType"] == "url"
            func decoded(_ text: String) -> String { isEncoded ? PercentEncoding.decoded(text) : text }
            for entry in page.all("Upload") {
                guard let name = entry["Key"].map(decoded), let key = ours(name).flatMap({ ObjectKey(String($0)) }),
                    key.rawValue.hasPrefix(prefix), let id = entry["UploadId"], !id.isEmpty
                else { continue }
                found.append(Left(key: key, id: id, begun: entry["Initiated"].flatMap { RFC3339.parse($0) }))
            }
            let next = [page["NextKeyMarker"].map(decoded), page["NextUploadIdMarker"]].map { $0 ?? "" }
            let markers = [("key-marker", next[0]), ("upload-id-marker", next[1])]
            // A page that leads to itself has no next one.
            guard page["IsTruncated"] == "true", !next[0].isEmpty, markers.map(\.1) != from.map(\.1) else {
                return found
            }
            from = markers
        }
    }
}
