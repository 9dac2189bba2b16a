import Digests
import LinuxSystem
package import Shared
import Synchronization

/// Objects in a bucket of any server that speaks S3: `<prefix><key>`.
///
/// One signed PUT for each, but for what is long and replaced (S3ObjectStore+Parts.swift), with the body's digest in the
/// signature and as a checksum, never in pieces of its own framing (aws-chunked), which many servers store as it comes. Conditions (If-None-Match, If-Match) are sent where the server does
/// not refuse them, and believed only where it was seen to heed them: everywhere else somebody looks right before.
package final class S3ObjectStore: ObjectStore {
    let connection: S3Connection
    /// For what is digested.
    let worker: any RoomExecutor
    let partLimits: PartLimits
    private let conditions = Mutex(Conditions())
    /// Of objects whose put was broken off.
    let parted = Mutex(PartedUploads())

    /// What is known of how the server takes conditions.
    private struct Conditions {
        /// It refused an If-None-Match over an object that was there.
        var areHeeded = false
        /// It ignored one, or cannot do it.
        var areIgnored = false
    }

    /// What HEAD says.
    private struct Seen {
        var size: Int64
        var tag: String
        var version: ObjectVersion
        /// As far as the server has it.
        var digest: Digest256?
    }

    /// An object that is read whole is a segment, or a manifest.
    private static let longestObject: Int64 = 4 << 30

    /// - Parameters:
    ///   - worker: where bytes that were read back are digested.
    ///   - parts: others only in tests.
    package init(
        _ place: BucketPlace, client: any HTTPClient, keys: any S3KeySource, time: any TimeSource,
        digestingOn worker: any RoomExecutor, parts: PartLimits = PartLimits()
    ) {
        partLimits = parts
        connection = S3Connection(place, client: client, keys: keys, time: time)
        self.worker = worker
    }

    // MARK: Puts

    @discardableResult
    package func put(
        _ body: any ObjectBytes & Sendable, to key: ObjectKey, _ mode: PutMode
    ) async throws(DeliveryError) -> ObjectVersion {
        switch mode {
        case .immutable(let digest): try await keep(body, digest, as: key)
        case .replacing(let version): try await replace(version, of: key, by: body)
        }
    }

    private func keep(
        _ body: any ObjectBytes & Sendable, _ digest: Digest256, as key: ObjectKey
    ) async throws(DeliveryError) -> ObjectVersion {
        let known = conditions.withLock { $0 }
        if !known.areHeeded, let there = try await look(at: key) {
            return try await same(there, key, body.size, digest)
        }
        switch try await upload(body, digest, to: key, on: ("If-None-Match", "*")) {
        case .success(let answer):
            let version = try await version(answer, key)
            if conditions.withLock({ !$0.areHeeded && !$0.areIgnored }) { await learn(body, digest, key) }
            return version
        case .failure(let refused):
            if known.areHeeded, refused.refusal.isUnknownCondition { return try await keep(body, digest, as: key) }
            guard refused.refusal.status == 412, let there = try await look(at: key) else { throw refused.error }
            return try await same(there, key, body.size, digest)
        }
    }

    /// Puts the same bytes under the same name once more: a server that heeds conditions refuses. So an object that is put later
    /// need not be looked for first.
    private func learn(_ body: any ObjectBytes & Sendable, _ digest: Digest256, _ key: ObjectKey) async {
        guard body.size <= 64 << 10 else { return }
        do throws(DeliveryError) {
            switch try await upload(body, digest, to: key, on: ("If-None-Match", "*")) {
            case .success: conditions.withLock { $0.areIgnored = true }
            case .failure(let refused):
                if refused.refusal.status == 412 { conditions.withLock { $0.areHeeded = true } }
            }
        } catch {
            // Safe: it is learnt with another object.
        }
    }

    private func replace(
        _ version: ObjectVersion?, of key: ObjectKey, by body: any ObjectBytes & Sendable
    ) async throws(DeliveryError) -> ObjectVersion {
        let isLong = body.size > partLimits.longestWhole
        let digest = isLong ? nil : try await ObjectDigest.of(body, key, on: worker)
        let known = conditions.withLock { $0 }
        let there = try await look(at: key)
        guard there?.version == version else { throw changed(key) }
        let condition = there.map { ("If-Match", $0.tag) } ?? ("If-None-Match", "*")
        let result =
            if let digest { try await upload(body, digest, to: key, on: condition) } else {
                try await uploadInParts(body, to: key, replacing: version, known.areIgnored ? nil : condition)
            }
        switch result {
        case .success(let answer):
            return isLong ? try await joined(key, body.size) : try await self.version(answer, key)
        case .failure(let refused):
            if refused.refusal.isUnknownCondition, known.areHeeded || isLong && !known.areIgnored {
                conditions.withLock { $0 = Conditions(areHeeded: false, areIgnored: true) }
                return try await replace(version, of: key, by: body)
            }
            let refusal = refused.refusal
            // What was to be matched is gone: NoSuchKey.
            guard refusal.status == 412 || refusal.status == 404 && !refusal.isMissingBucket else {
                throw refused.error
            }
            // A put that was asked for twice, since the server failed after it, has changed what it was to match.
            guard let digest, let there = try await look(at: key), try await has(there, key, body.size, digest) else {
                throw changed(key)
            }
            return there.version
        }
    }

    /// What came of parts.
    private func joined(_ key: ObjectKey, _ size: Int64) async throws(DeliveryError) -> ObjectVersion {
        guard let there = try await look(at: key), there.size == size else {
            throw DeliveryError(
                .transient, "object \(key) in \(connection.address) was put in parts, and is not there whole")
        }
        return there.version
    }

    func changed(_ key: ObjectKey) -> DeliveryError {
        DeliveryError(.conflict, "object \(key) in \(connection.address) is not the one that was there before")
    }

    /// - Parameter condition: left out where the server has refused one, or does now.
    private func upload(
        _ body: any ObjectBytes & Sendable, _ digest: Digest256, to key: ObjectKey, on condition: (String, String)
    ) async throws(DeliveryError) -> Result<HTTPResponse, S3Connection.Refused> {
        if conditions.withLock({ !$0.areIgnored }) {
            let conditional = try await send(body, digest, to: key, condition)
            guard case .failure(let refused) = conditional, refused.refusal.isUnknownCondition else {
                return conditional
            }
            let wereHeeded = conditions.withLock { known in
                defer { known = Conditions(areHeeded: false, areIgnored: true) }
                return known.areHeeded
            }
            // Another server by now, and nobody has looked.
            if wereHeeded { return conditional }
        }
        return try await send(body, digest, to: key, nil)
    }

    private func send(
        _ body: any ObjectBytes & Sendable, _ digest: Digest256, to key: ObjectKey, _ condition: (String, String)?
    ) async throws(DeliveryError) -> Result<HTTPResponse, S3Connection.Refused> {
        var headers: HTTPHeaders = [
            "Content-Type": key.contentType,
            "X-Amz-Checksum-Sha256": digest.bytes.withUnsafeBytes { Base64.text(of: $0) },
        ]
        if let condition { headers[condition.0] = condition.1 }
        let request = S3Connection.Request(
            method: .put, key: key, headers: headers, body: .object(body), payload: digest.hex,
            purpose: "put object \(key)")
        let first = try await connection.send(request)
        guard case .failure(let refused) = first, refused.refusal.isBadDigest else { return first }
        // A flipped bit on the way; if it is again, it is no chance.
        return try await connection.send(request)
    }

    private func same(
        _ there: Seen, _ key: ObjectKey, _ size: Int64, _ digest: Digest256
    ) async throws(DeliveryError) -> ObjectVersion {
        guard try await has(there, key, size, digest) else {
            throw DeliveryError(
                .conflict, "object \(key) in \(connection.address) is there with other bytes",
                hint: "move it away; its name says what its bytes should be")
        }
        return there.version
    }

    /// Whether those bytes are there.
    private func has(
        _ there: Seen, _ key: ObjectKey, _ size: Int64, _ digest: Digest256
    ) async throws(DeliveryError) -> Bool {
        guard there.size == size else { return false }
        if let found = there.digest { return found == digest }
        return try await ObjectDigest.of(try await read(key, range: nil), key, on: worker) == digest
    }

    // MARK: Reading

    package func version(of key: ObjectKey) async throws(DeliveryError) -> ObjectVersion? {
        try await look(at: key)?.version
    }

    private func look(at key: ObjectKey) async throws(DeliveryError) -> Seen? {
        let result = try await connection.send(
            S3Connection.Request(
                method: .head, key: key, headers: ["X-Amz-Checksum-Mode": "ENABLED"], purpose: "look at object \(key)"))
        if case .failure(let refused) = result, refused.refusal.status == 404 { return nil }
        let answer = try result.answer()
        guard let version = Self.version(answer), let tag = answer.headers["ETag"],
            let size = answer.headers["Content-Length"].flatMap({ Int64($0) })
        else {
            throw DeliveryError(
                .transient,
                "could not look at object \(key) in \(connection.address): the answer says no ETag and no size",
                hint: "is \(connection.address.endpoint) the address of an S3 server?")
        }
        // Of a multipart upload the checksum is one of checksums, with the number of parts behind it.
        let digest = answer.headers["X-Amz-Checksum-Sha256"].flatMap { Base64.bytes(of: $0) }.flatMap {
            Digest256(bytes: $0)
        }
        return Seen(size: size, tag: tag, version: version, digest: digest)
    }

    /// What was put has the version that the answer says; of a server that says none it is asked.
    private func version(_ answer: HTTPResponse, _ key: ObjectKey) async throws(DeliveryError) -> ObjectVersion {
        if let version = Self.version(answer) { return version }
        guard let version = try await version(of: key) else {
            throw DeliveryError(.transient, "object \(key) in \(connection.address) was put and is not there")
        }
        return version
    }

    private static func version(_ answer: HTTPResponse) -> ObjectVersion? {
        guard let tag = answer.headers["ETag"] else { return nil }
        let plain = tag.split(separator: "\"", omittingEmptySubsequences: true).last.map(String.init) ?? tag
        // In a bucket that keeps versions each put has an id of its own.
        let id = answer.headers["X-Amz-Version-Id"].flatMap { $0 == "null" ? nil : $0 }
        return ObjectVersion(id.map { "\(plain) \($0)" } ?? plain)
    }

    package func read(_ key: ObjectKey, range: Range<Int64>?) async throws(DeliveryError) -> any ObjectBytes & Sendable
    {
        let wanted = range.map { max($0.lowerBound, 0)..<max($0.upperBound, max($0.lowerBound, 0)) }
        if let wanted, wanted.isEmpty {
            guard try await look(at: key) != nil else { throw absent(key) }
            return MemoryObject([])
        }
        var request = S3Connection.Request(
            method: .get, key: key, purpose: "read object \(key)", longestAnswer: Self.longestObject)
        if let wanted { request.headers["Range"] = "bytes=\(wanted.lowerBound)-\(wanted.upperBound - 1)" }
        switch try await connection.send(request) {
        case .success(let answer):
            guard let wanted else { return answer.body }
            // Some servers give the whole object whatever was asked for, and some a part of it with the status of the whole.
            let part = answer.headers["Content-Range"]
            guard answer.status == 206 || part != nil else { return ObjectSlice(answer.body, wanted) }
            guard part?.hasPrefix("bytes \(wanted.lowerBound)-") == true else {
                throw DeliveryError(
                    .transient,
                    "could not read object \(key) in \(connection.address): another range came than was asked for")
            }
            return ObjectSlice(answer.body, 0..<wanted.upperBound - wanted.lowerBound)
        case .failure(let refused):
            // The range begins behind the end.
            if wanted != nil, refused.refusal.status == 416 { return MemoryObject([]) }
            guard refused.refusal.status == 404, !refused.refusal.isMissingBucket else { throw refused.error }
            throw absent(key)
        }
    }

    private func absent(_ key: ObjectKey) -> DeliveryError {
        DeliveryError(.notFound, "there is no object \(key) in \(connection.address)")
    }

    package func delete(_ key: ObjectKey) async throws(DeliveryError) {
        let result = try await connection.send(
            S3Connection.Request(method: .delete, key: key, purpose: "delete object \(key)"))
        if case .failure(let refused) = result, refused.refusal.status == 404, !refused.refusal.isMissingBucket {
            return
        }
        _ = try result.answer()
    }
}
