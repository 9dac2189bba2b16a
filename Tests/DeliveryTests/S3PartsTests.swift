import Digests
import LinuxSystem
import Shared
import Synchronization
import TestSupport
import Testing

@testable import Delivery

/// A bucket that takes objects in parts, and remembers what it was asked.
private final class PartServer: Sendable {
    struct State {
        var objects: [String: [UInt8]] = [:]
        /// Open uploads: of which key, since when, and their parts.
        var uploads: [String: (key: String, begun: String, parts: [Int: [UInt8]])] = [:]
        var serial = 0
        /// What is said instead of an answer to a request that it fits.
        var trouble: (@Sendable (ScriptedServer.Asked) -> ScriptedServer.Answer?)?
        /// After the answer to every request that it fits.
        var then: (@Sendable (ScriptedServer.Asked, inout State) -> Void)?
    }

    let state = Mutex(State())
    private let scripted: Mutex<ScriptedServer?> = Mutex(nil)
    var server: ScriptedServer? { scripted.withLock { $0 } }
    var said: [String] {
        (server?.asked ?? []).map { asked in
            let query = asked.target.split(separator: "?").dropFirst().first ?? ""
            let part = query.split(separator: "&").first { $0.hasPrefix("partNumber=") }
            if let part { return "part \(part.dropFirst("partNumber=".count))" }
            if query.contains("uploadId=") { return asked.method == "POST" ? "join" : "abandon" }
            if query.contains("uploads=") { return asked.method == "POST" ? "begin" : "list" }
            return asked.method
        }
    }

    init() throws {
        let server = try ScriptedServer { [weak self] asked in self?.answer(asked) ?? .status(500) }
        scripted.withLock { $0 = server }
    }

    private func answer(_ asked: ScriptedServer.Asked) -> ScriptedServer.Answer {
        state.withLock { state in
            if let answer = state.trouble?(asked) { return answer }
            let answer = Self.answer(asked, &state)
            state.then?(asked, &state)
            return answer
        }
    }

    private static func answer(_ asked: ScriptedServer.Asked, _ state: inout State) -> ScriptedServer.Answer {
        let parts = asked.target.split(separator: "?", maxSplits: 1).map(String.init)
        let key = String(parts[0].dropFirst("/b/".count))
        var query: [String: String] = [:]
        for pair in parts.dropFirst().first?.split(separator: "&") ?? [] {
            let sides = pair.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
            query[sides[0]] = PercentEncoding.decoded(sides[1])
        }
        if asked.method == "GET", query["uploads"] != nil {
            let entries = state.uploads.sorted { $0.key < $1.key }.filter {
                $0.value.key.hasPrefix(query["prefix"] ?? "")
            }
            let text = entries.map {
                "<Upload><Key>\($0.value.key)</Key><UploadId>\($0.key)</UploadId><Initiated>\($0.value.begun)</Initiated></Upload>"
            }.joined()
            return .ok(Array("<ListMultipartUploadsResult>\(text)</ListMultipartUploadsResult>".utf8))
        }
        if let id = query["uploadId"] {
            guard let upload = state.uploads[id], upload.key == key else {
                return .status(404, "", "<Error><Code>NoSuchUpload</Code></Error>")
            }
            switch asked.method {
            case "PUT":
                guard let number = query["partNumber"].flatMap({ Int($0) }) else { return .status(400) }
                state.uploads[id]?.parts[number] = asked.body
                return .ok([], "ETag: \"<\(number)&>\"\r\n")
            case "DELETE":
                state.uploads[id] = nil
                return .status(204)
            default:
                let document = XMLElement.document(asked.body)
                let numbers = document?.all("Part").compactMap { $0["PartNumber"].flatMap { Int($0) } } ?? []
                let tags = document?.all("Part").compactMap { $0["ETag"] } ?? []
                guard tags == numbers.map({ "\"<\($0)&>\"" }) else { return .status(400) }
                state.objects[key] = numbers.flatMap { upload.parts[$0] ?? [] }
                state.uploads[id] = nil
                return .ok(Array("<CompleteMultipartUploadResult/>".utf8))
            }
        }
        switch asked.method {
        case "POST":
            state.serial += 1
            state.uploads["u\(state.serial)"] = (key, "2026-11-22T00:00:00.000Z", [:])
            return .ok(Array("<R><UploadId>u\(state.serial)</UploadId></R>".utf8))
        case "HEAD":
            guard let object = state.objects[key] else { return .status(404) }
            let tag = RunningDigest.digest(of: object).hex
            return .bytes(
                Array("HTTP/1.1 200 OK\r\nContent-Length: \(object.count)\r\nETag: \"\(tag)\"\r\n\r\n".utf8))
        case "PUT":
            state.objects[key] = asked.body
            return .ok([], "ETag: \"\(RunningDigest.digest(of: asked.body).hex)\"\r\n")
        default: return .status(500)
        }
    }
}

@Suite("A long object")
struct S3PartsTests {
    private static let kib = 1 << 10

    private static func scene(
        _ body: (PartServer, S3ObjectStore, ObjectKey) async throws -> Void
    ) async throws {
        let bucket = try PartServer()
        let server = try #require(bucket.server)
        defer { server.stop() }
        let scene = try TransferScene()
        let store = store(server, scene)
        try await body(bucket, store, try #require(ObjectKey("s/history.jsonl")))
        withExtendedLifetime(scene) {}
    }

    private static func store(_ server: ScriptedServer, _ scene: TransferScene) -> S3ObjectStore {
        S3ObjectStore(
            BucketPlace(endpoint: server.url, bucket: "b", prefix: "p/", region: "r", pathStyle: true),
            client: scene.client(), keys: GivenS3Keys(Secret("id\nsecret")), time: scene.time,
            digestingOn: scene.files, parts: PartLimits(longestWhole: 16 << 10, usualPart: 8 << 10))
    }

    private static func bytes(_ kibibytes: Int, _ more: Int = 0) -> [UInt8] {
        (0..<kibibytes * kib + more).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 16) }
    }

    @Test("has parts of 8 MiB, or as long as it takes to be 10,000 of them")
    func sizes() {
        let limits = PartLimits()
        #expect(limits.partSize(of: 17 << 20) == 8 << 20)
        #expect(limits.partSize(of: 80_000 << 20) == 8 << 20)
        let long: Int64 = 300_000 << 20
        #expect(limits.partSize(of: long) == 30 << 20)
        #expect(PartedUpload(id: "", partSize: 30 << 20).ranges(of: long).count == 10_000)
        let ranges = PartedUpload(id: "", partSize: 8).ranges(of: 17)
        #expect(ranges == [0..<8, 8..<16, 16..<17])
    }

    @Test("goes in parts, and is there whole; a short one does not")
    func whole() async throws {
        try await Self.scene { bucket, store, key in
            let long = Self.bytes(20, 5)
            let version = try await store.put(MemoryObject(long), to: key, .replacing(nil))
            #expect(bucket.state.withLock { $0.objects["p/s/history.jsonl"] == long && $0.uploads.isEmpty })
            #expect(try await store.version(of: key) == version)
            let way = ["HEAD", "list", "list", "begin", "part 1", "part 2", "part 3", "HEAD", "join", "HEAD"]
            #expect(Array(bucket.said.prefix(way.count)) == way)
            let longer = long + [7]
            try await store.put(MemoryObject(longer), to: key, .replacing(version))
            #expect(bucket.state.withLock { $0.objects["p/s/history.jsonl"] == longer })
            let next = try await store.version(of: key)
            try await store.put(MemoryObject([1]), to: key, .replacing(next))
            #expect(bucket.said.count { $0 == "begin" } == 2 && bucket.said.last == "PUT")
        }
    }

    @Test("that was broken off goes on: parts that have the same bytes are not sent again")
    func goesOn() async throws {
        try await Self.scene { bucket, store, key in
            bucket.state.withLock { $0.trouble = { $0.target.contains("partNumber=3") ? .status(503) : nil } }
            let long = Self.bytes(20)
            let error = await #expect(throws: DeliveryError.self) {
                try await store.put(MemoryObject(long), to: key, .replacing(nil))
            }
            #expect(error?.isTransient == true && bucket.state.withLock { $0.uploads.count } == 1)
            bucket.state.withLock { $0.trouble = nil }
            let grown = long + [1, 2, 3]
            try await store.put(MemoryObject(grown), to: key, .replacing(nil))
            #expect(bucket.state.withLock { $0.objects["p/s/history.jsonl"] == grown && $0.uploads.isEmpty })
            let parts = bucket.said.filter { $0.hasPrefix("part") }
            #expect(parts == ["part 1", "part 2", "part 3", "part 3"] && bucket.said.count { $0 == "begin" } == 1)
        }
    }

    @Test("that the server has forgotten begins anew, and is given up where it always does")
    func forgotten() async throws {
        try await Self.scene { bucket, store, key in
            let isOnce = Mutex(true)
            let forget = "<Error><Code>NoSuchUpload</Code></Error>"
            bucket.state.withLock { state in
                state.trouble = { asked in
                    guard asked.target.contains("partNumber=2") else { return nil }
                    return isOnce.withLock { once in
                        defer { once = false }
                        return once ? .status(404, "", forget) : nil
                    }
                }
            }
            let long = Self.bytes(17)
            try await store.put(MemoryObject(long), to: key, .replacing(nil))
            #expect(bucket.state.withLock { $0.objects["p/s/history.jsonl"] == long && $0.uploads.isEmpty })
            bucket.state.withLock { state in
                state.trouble = { $0.target.contains("partNumber=2") ? .status(404, "", forget) : nil }
            }
            let there = try await store.version(of: key)
            let error = await #expect(throws: DeliveryError.self) {
                try await store.put(MemoryObject(long + [1]), to: key, .replacing(there))
            }
            #expect(error?.isTransient == true && error?.message.contains("forgets") == true)
        }
    }

    @Test("that somebody else put meanwhile stays, and the parts go")
    func conflict() async throws {
        try await Self.scene { bucket, store, key in
            bucket.state.withLock { state in
                state.then = { asked, state in
                    if asked.target.contains("partNumber=3") { state.objects["p/s/history.jsonl"] = [9] }
                }
            }
            let error = await #expect(throws: DeliveryError.self) {
                try await store.put(MemoryObject(Self.bytes(17)), to: key, .replacing(nil))
            }
            #expect(error?.code == .conflict)
            #expect(bucket.state.withLock { $0.objects["p/s/history.jsonl"] == [9] && $0.uploads.isEmpty })
        }
    }

    @Test("is not there when the server says so in an answer that began with 200")
    func lateError() async throws {
        try await Self.scene { bucket, store, key in
            bucket.state.withLock { state in
                state.trouble = { asked in
                    guard asked.method == "POST", asked.target.contains("uploadId") else { return nil }
                    return .ok(Array("  <?xml version=\"1.0\"?><Error><Code>Unheard</Code></Error>".utf8.dropFirst(2)))
                }
            }
            let error = await #expect(throws: DeliveryError.self) {
                try await store.put(MemoryObject(Self.bytes(17)), to: key, .replacing(nil))
            }
            #expect(error?.isTransient == true && error?.message.contains("Unheard") == true)
            bucket.state.withLock { $0.trouble = nil }
            try await store.put(MemoryObject(Self.bytes(17)), to: key, .replacing(nil))
            #expect(bucket.said.filter { $0.hasPrefix("part") }.count == 3)
        }
    }

    @Test("leaves nothing of an earlier life's, nothing that is a day old, and what is under way elsewhere")
    func left() async throws {
        try await Self.scene { bucket, store, key in
            let now = "2999-01-01T00:00:00Z"
            bucket.state.withLock { state in
                state.uploads = [
                    "ours": ("p/s/history.jsonl", now, [:]), "old": ("p/x/history.jsonl", "2020-01-01T00:00:00Z", [:]),
                    "under way": ("p/y/history.jsonl", now, [:]), "another's": ("q/z", "2020-01-01T00:00:00Z", [:]),
                    "longer": ("p/s/history.jsonl2", now, [:]),
                ]
            }
            try await store.put(MemoryObject(Self.bytes(17)), to: key, .replacing(nil))
            #expect(bucket.state.withLock { Set($0.uploads.keys) } == ["under way", "another's", "longer"])
            try await store.sweep("y/")
            #expect(bucket.state.withLock { Set($0.uploads.keys) } == ["another's", "longer"])
        }
    }

    @Test("goes also where nobody may list what was left", arguments: [403, 501])
    func unlisted(_ status: Int) async throws {
        try await Self.scene { bucket, store, key in
            bucket.state.withLock { state in
                state.trouble = { asked in
                    asked.method == "GET" && asked.target.contains("uploads=")
                        ? .status(status, "", status == 403 ? "<Error><Code>AccessDenied</Code></Error>" : "") : nil
                }
            }
            try await store.put(MemoryObject(Self.bytes(17)), to: key, .replacing(nil))
            #expect(bucket.state.withLock { $0.objects.count } == 1)
            try await store.sweep("s/")
        }
    }

    @Test("is joined without a condition where the server compares with something else")
    func condition() async throws {
        try await Self.scene { bucket, store, key in
            bucket.state.withLock { state in
                state.trouble = { asked in
                    asked.method == "POST" && asked.headers["If-None-Match"] ?? asked.headers["If-Match"] != nil
                        ? .status(412, "", "<Error><Code>PreconditionFailed</Code></Error>") : nil
                }
            }
            let version = try await store.put(MemoryObject(Self.bytes(17)), to: key, .replacing(nil))
            try await store.put(MemoryObject(Self.bytes(18)), to: key, .replacing(version))
            #expect(bucket.said.count { $0 == "join" } == 3, "it is learnt once")
        }
    }
}
