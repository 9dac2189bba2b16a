import Digests
import LinuxSystem
import Shared
import Synchronization
import TestSupport
import Testing

@testable import Delivery

/// What no server of the tests does by itself.
@Suite("An S3 store")
struct S3ObjectStoreTests {
    private static func store(
        _ server: ScriptedServer, _ scene: TransferScene, _ keys: any S3KeySource = GivenS3Keys(Secret("id\nsecret"))
    ) -> S3ObjectStore {
        S3ObjectStore(
            BucketPlace(endpoint: server.url, bucket: "b", prefix: "p/", region: "r", pathStyle: true),
            client: scene.client(), keys: keys, time: scene.time, digestingOn: scene.files)
    }

    struct Answer: Sendable {
        var status: Int
        var code: String
        var body = ""
        var means: DeliveryError.Code
        var hint: String?
    }

    static let answers: [Answer] = [
        Answer(status: 500, code: "InternalError", means: .transient),
        Answer(status: 503, code: "SlowDown", means: .transient),
        Answer(status: 400, code: "RequestTimeout", means: .transient),
        Answer(status: 409, code: "ConditionalRequestConflict", means: .transient),
        Answer(status: 504, code: "", means: .transient),
        Answer(status: 429, code: "", means: .transient),
        Answer(status: 507, code: "XMinioStorageFull", means: .transient, hint: "room"),
        Answer(status: 403, code: "InvalidAccessKeyId", means: .authentication, hint: "key's id"),
        Answer(status: 403, code: "SignatureDoesNotMatch", means: .authentication, hint: "secret"),
        Answer(status: 400, code: "ExpiredToken", means: .authentication, hint: "token"),
        Answer(status: 403, code: "AccessDenied", means: .authentication, hint: "below p/"),
        Answer(status: 401, code: "", means: .authentication),
        Answer(status: 400, code: "KeyTooLongError", means: .unacceptable),
        Answer(status: 413, code: "EntityTooLarge", means: .unacceptable),
        Answer(status: 415, code: "", means: .unacceptable),
        Answer(status: 404, code: "NoSuchBucket", means: .unusable, hint: "make the bucket b"),
        Answer(
            status: 400, code: "AuthorizationHeaderMalformed", body: "<Region>eu-north-1</Region>", means: .unusable,
            hint: "region = \"eu-north-1\""),
        Answer(status: 301, code: "PermanentRedirect", means: .unusable),
        Answer(status: 501, code: "", means: .unusable),
    ]

    @Test("says what an answer means to it, and what to do", arguments: answers)
    func classes(_ answer: Answer) async throws {
        let xml = answer.code.isEmpty ? "<html><br></html>" : "<Error><Code>\(answer.code)</Code>\(answer.body)</Error>"
        let server = try ScriptedServer { asked in
            // A HEAD says that nothing is there.
            asked.method == "HEAD" ? .status(404) : .status(answer.status, "Retry-After: 7\r\n", xml)
        }
        defer { server.stop() }
        let scene = try TransferScene()
        let store = Self.store(server, scene)
        let key = try #require(ObjectKey("k"))
        let error = await #expect(throws: DeliveryError.self) {
            try await store.put(MemoryObject([1]), to: key, .replacing(nil))
        }
        #expect(error?.code == answer.means && error?.retryAfter == .seconds(7))
        #expect(error?.message.contains("put object k in bucket b") == true)
        if let hint = answer.hint { #expect(error?.hint?.contains(hint) == true, "\(error?.hint ?? "")") }
    }

    @Test("takes up new keys as soon as they are there, and reads them once while they are taken")
    func rotation() async throws {
        let scratch = try Scratch("keys")
        let server = try ScriptedServer { asked in
            asked.headers["Authorization"]?.contains("Credential=new/") == true
                ? .ok([7], "ETag: \"x\"\r\n") : .status(403, "", "<Error><Code>InvalidAccessKeyId</Code></Error>")
        }
        defer { server.stop() }
        let scene = try TransferScene()
        let store = Self.store(server, scene, S3KeyFile(scratch("key"), isGuarded: false, lane: scene.files))
        let key = try #require(ObjectKey("k"))
        try scratch.write("old\nsecret\n", to: "key")
        for _ in 0..<3 {
            let error = await #expect(throws: DeliveryError.self) { _ = try await store.read(key, range: nil) }
            #expect(error?.code == .authentication)
        }
        try scratch.write("new\nsecret\n", to: "key")
        #expect(try await store.readAll(key) == [7])
        #expect(server.asked.count == 4)
        // Nobody asks for what is taken.
        try scratch.write("nothing", to: "key")
        #expect(try await store.readAll(key) == [7])
    }

    @Test("signs with the server's clock while ours is wrong, and sends a second body only of what was refused")
    func skew() async throws {
        let server = try ScriptedServer { asked in
            let stamp = asked.headers["X-Amz-Date"] ?? ""
            if stamp.hasPrefix("2040") { return .ok([7], "ETag: \"x\"\r\nDate: Sun, 01 Jan 2040 00:00:10 GMT\r\n") }
            return .status(
                403, "Date: Sun, 01 Jan 2040 00:00:00 GMT\r\n", "<Error><Code>RequestTimeTooSkewed</Code></Error>")
        }
        defer { server.stop() }
        let scene = try TransferScene()
        let store = Self.store(server, scene)
        let key = try #require(ObjectKey("k"))
        for _ in 0..<2 { #expect(try await store.readAll(key) == [7]) }
        #expect(server.asked.count == 3)
    }

    @Test(
        "looks first where the server was not seen to heed conditions, and does not repeat what it cannot do",
        arguments: ["heeds", "ignores", "refuses"])
    func conditions(_ kind: String) async throws {
        let there = Mutex<Set<String>>([])
        let server = try ScriptedServer { asked in
            if asked.method == "HEAD" { return .status(404) }
            let isConditional = asked.headers["If-None-Match"] == "*"
            if kind == "refuses", isConditional { return .status(501) }
            let isNew = there.withLock { $0.insert(asked.target).inserted }
            return kind == "heeds" && isConditional && !isNew ? .status(412) : .ok([], "ETag: \"x\"\r\n")
        }
        defer { server.stop() }
        let scene = try TransferScene()
        let store = Self.store(server, scene)
        for name in ["0", "1", "2"] {
            let key: ObjectKey = try #require(ObjectKey(name))
            try await store.put(MemoryObject([1]), to: key, .immutable(RunningDigest.digest(of: [1])))
        }
        let said = server.asked.map { "\($0.method)\($0.headers["If-None-Match"] ?? "") \($0.target.suffix(1))" }
        switch kind {
        case "heeds": #expect(said == ["HEAD 0", "PUT* 0", "PUT* 0", "PUT* 1", "PUT* 2"])
        case "ignores": #expect(said == ["HEAD 0", "PUT* 0", "PUT* 0", "HEAD 1", "PUT 1", "HEAD 2", "PUT 2"])
        default: #expect(said == ["HEAD 0", "PUT* 0", "PUT 0", "HEAD 1", "PUT 1", "HEAD 2", "PUT 2"])
        }
    }

    @Test(
        "takes its own bytes for its own where a put was done and failed, and was asked for again; others' for a conflict",
        arguments: [true, false])
    func doneAndFailed(_ isOurs: Bool) async throws {
        let body: [UInt8] = [1, 2, 3]
        let sum = RunningDigest.digest(of: isOurs ? body : [1, 2, 4]).bytes.withUnsafeBytes { Base64.text(of: $0) }
        let isPut = Mutex(false)
        let server = try ScriptedServer { asked in
            if asked.method == "PUT" {
                isPut.withLock { $0 = true }
                return .status(412)
            }
            let (tag, size) = isPut.withLock(\.self) ? ("new", 3) : ("old", 2)
            let head =
                "HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\nETag: \"\(tag)\"\r\nX-Amz-Checksum-Sha256: \(sum)\r\n\r\n"
            return .bytes(Array(head.utf8))
        }
        defer { server.stop() }
        let scene = try TransferScene()
        let store = Self.store(server, scene)
        let key = try #require(ObjectKey("k"))
        do throws(DeliveryError) {
            let put = try await store.put(MemoryObject(body), to: key, .replacing(ObjectVersion("old")))
            #expect(isOurs && put == ObjectVersion("new"))
        } catch {
            #expect(!isOurs && error.code == .conflict, "\(error)")
        }
    }

    @Test("looks again before it puts without a condition that the server heeded once, and does not know any more")
    func conditionLost() async throws {
        let there = Mutex<Set<String>>([])
        let knows = Mutex(true)
        let server = try ScriptedServer { asked in
            if asked.method == "HEAD" {
                return there.withLock { $0.contains(asked.target) }
                    ? .ok([], "ETag: \"x\"\r\nContent-Length: 9\r\n") : .status(404)
            }
            guard asked.headers["If-None-Match"] == nil || knows.withLock(\.self) else { return .status(501) }
            return there.withLock { $0.insert(asked.target).inserted } ? .ok([], "ETag: \"x\"\r\n") : .status(412)
        }
        defer { server.stop() }
        let scene = try TransferScene()
        let store = Self.store(server, scene)
        func put(_ name: String) async throws {
            let key: ObjectKey = try #require(ObjectKey(name))
            try await store.put(MemoryObject([1]), to: key, .immutable(RunningDigest.digest(of: [1])))
        }
        try await put("0")
        try await put("1")
        knows.withLock { $0 = false }
        there.withLock { there in there = Set(there.map { "\($0.dropLast())2" }) }
        let error = await #expect(throws: DeliveryError.self) { try await put("2") }
        #expect(error?.code == .conflict, "other bytes are there")
        let said = server.asked.map { "\($0.method)\($0.headers["If-None-Match"] ?? "") \($0.target.suffix(1))" }
        #expect(said == ["HEAD 0", "PUT* 0", "PUT* 0", "PUT* 1", "PUT* 2", "HEAD 2"])
    }
}

@Suite("A store below a presigned URL")
struct PresignedObjectStoreTests {
    @Test("puts, and says of everything else that it cannot")
    func puts() async throws {
        let server = try ScriptedServer { _ in .ok([], "ETag: \"x\"\r\n") }
        defer { server.stop() }
        let scene = try TransferScene()
        let store = PresignedObjectStore(url: "\(server.url)/base/?a=b%2F", prefix: "p q/", client: scene.client())
        let key: ObjectKey = try #require(ObjectKey("s/manifest.json"))
        try await store.put(MemoryObject([1, 2]), to: key, .replacing(nil))
        #expect(server.asked.map { "\($0.method) \($0.target)" } == ["PUT /base/p%20q/s/manifest.json?a=b%2F"])
        #expect(server.asked.first?.body == [1, 2] && server.asked.first?.headers["Authorization"] == nil)
        let error = #expect(throws: DeliveryError.self) { _ = try store.read(key, range: nil) }
        #expect(error?.code == .unusable)
    }

    @Test(
        "knows what will pass and what somebody has to mend",
        arguments: [
            (403, DeliveryError.Code.authentication), (500, .transient), (429, .transient), (404, .unusable),
            (302, .unusable), (413, .unacceptable),
        ])
    func classes(status: Int, code: DeliveryError.Code) async throws {
        let server = try ScriptedServer { _ in .status(status, "Retry-After: 7\r\n") }
        defer { server.stop() }
        let scene = try TransferScene()
        let store = PresignedObjectStore(url: server.url, prefix: "", client: scene.client())
        let key: ObjectKey = try #require(ObjectKey("k"))
        let error = await #expect(throws: DeliveryError.self) {
            try await store.put(MemoryObject([1]), to: key, .replacing(nil))
        }
        #expect(error?.code == code && error?.retryAfter == .seconds(7))
    }
}
