import Digests
import Glibc
import LinuxSystem
import Shared
import TestSupport
import Testing

@testable import Delivery

/// What a server says that the double does not.
@Suite("A Supabase store")
struct SupabaseObjectStoreTests {
    private static func served(
        _ script: @escaping @Sendable (ScriptedServer.Asked) -> ScriptedServer.Answer,
        _ body: (ScriptedServer, TransferScene) async throws -> Void
    ) async throws {
        let (server, scene) = (try ScriptedServer(script), try TransferScene())
        defer { server.stop() }
        try await body(server, scene)
        withExtendedLifetime(scene) {}
    }

    private static func json(_ text: String, _ status: Int = 200) -> ScriptedServer.Answer {
        .status(status, "Content-Type: application/json\r\n", text)
    }

    private static let key = ObjectKey("sessions/a/one.jsonl.gz")

    private static func put(_ bytes: [UInt8], in store: SupabaseObjectStore) async throws {
        _ = try await store.put(
            MemoryObject(bytes), to: try #require(key), .immutable(RunningDigest.digest(of: bytes)))
    }

    @Test("asks with its key in the two headers that servers look at, and below the address that was given")
    func request() async throws {
        try await Self.served { _ in
            Self.json(#"{"Id":"1","Key":"sessions/sessions/a/one.jsonl.gz"}"#)
        } _: { server, scene in
            for tail in ["", "/", "/storage/v1", "/storage/v1/"] {
                try await Self.put([1, 2, 3], in: scene.supabase(server.url + tail, "k3y"))
            }
            for asked in server.asked {
                #expect(asked.method == "POST")
                #expect(asked.target == "/storage/v1/object/sessions/sessions/a/one.jsonl.gz")
                #expect(asked.headers["Authorization"] == "Bearer k3y" && asked.headers["apikey"] == "k3y")
                #expect(asked.headers["x-upsert"] == "false" && asked.headers["Content-Type"] == "application/gzip")
                #expect(asked.headers["Content-Encoding"] == nil && asked.body == [1, 2, 3])
            }
        }
    }

    @Test(
        "counts nothing as stored that Storage has not confirmed",
        arguments: ["", "OK", "{}", "<html>log in</html>", #"{"Key":"sessions/sessions/a/other.gz"}"#])
    func portal(_ body: String) async throws {
        try await Self.served { _ in
            Self.json(body)
        } _: { server, scene in
            let error = await #expect(throws: DeliveryError.self) {
                try await Self.put([1], in: scene.supabase(server.url, "k"))
            }
            #expect(error?.code == .unusable && error?.hint?.contains("Supabase project") == true)
        }
    }

    @Test(
        "takes no listing for an empty one that is none", arguments: ["", "{}", "null", #"{"objects":[]}"#, "<html>"])
    func listing(_ body: String) async throws {
        try await Self.served { _ in
            Self.json(body)
        } _: { server, scene in
            let store = scene.supabase(server.url, "k")
            let keys = await #expect(throws: DeliveryError.self) { _ = try await store.list("sessions/") }
            let folders = await #expect(throws: DeliveryError.self) { _ = try await store.listFolders("sessions/") }
            #expect(keys?.code == .unusable && folders?.code == .unusable)
        }
    }

    @Test("does not go round in a listing that never ends, and leaves out names that are no keys")
    func endless() async throws {
        let names = ["sessions/a/one", "sessions/../etc", "sessions/a/ä", "other/a", "sessions//b"]
        let objects = names.map { #"{"name":"\#($0)"}"# }.joined(separator: ",")
        try await Self.served { asked in
            let more = String(decoding: asked.body, as: UTF8.self).contains(#""prefix":"sessions/""#)
            return Self.json(#"{"hasNext":\#(more),"nextCursor":"x","objects":[\#(objects)],"folders":[]}"#)
        } _: { server, scene in
            let store = scene.supabase(server.url, "k")
            let error = await #expect(throws: DeliveryError.self) { _ = try await store.list("sessions/") }
            #expect(error?.code == .transient && server.asked.count == 2)
            let keys = try await store.list("sessions/a/")
            #expect(keys.map(\.rawValue) == ["sessions/a/one"])
        }
    }

    @Test("says that the key may not, where the server says that nothing is there")
    func hidden() async throws {
        let absent = #"{"statusCode":"404","code":"NoSuchKey","error":"not_found","message":"Object not found"}"#
        let taken = #"{"statusCode":"409","code":"KeyAlreadyExists","error":"Duplicate","message":"x"}"#
        let info = #"{"version":"v","size":1}"#
        try await Self.served { asked in
            switch asked.method {
            case "GET": asked.target.hasSuffix("seen") ? Self.json(info) : Self.json(absent, 400)
            case "DELETE": Self.json(absent, 400)
            default: Self.json(taken, 400)
            }
        } _: { server, scene in
            let store = scene.supabase(server.url, "k")
            let put = await #expect(throws: DeliveryError.self) { try await Self.put([1], in: store) }
            #expect(put?.code == .authentication && put?.hint?.contains("allow select") == true)
            let delete = await #expect(throws: DeliveryError.self) {
                try await store.delete(try #require(ObjectKey("seen")))
            }
            #expect(delete?.code == .authentication && delete?.hint?.contains("allow delete") == true)
            try await store.delete(try #require(ObjectKey("gone")))
        }
    }

    @Test("is not misled about which bytes came, and needs no ranges of the server")
    func ranges() async throws {
        let bytes = (0..<100).map { UInt8($0) }
        try await Self.served { asked in
            asked.target.hasSuffix("whole")
                ? .ok(bytes)
                : .bytes(
                    Array(
                        "HTTP/1.1 206 Partial\r\nContent-Length: 10\r\nContent-Range: bytes 0-9/100\r\n\r\n".utf8)
                        + bytes[..<10])
        } _: { server, scene in
            let store = scene.supabase(server.url, "k")
            let whole = try await store.read(try #require(ObjectKey("whole")), range: 90..<200)
            #expect(whole.size == 10)
            let error = await #expect(throws: DeliveryError.self) {
                _ = try await store.read(try #require(ObjectKey("part")), range: 10..<20)
            }
            #expect(error?.code == .transient)
        }
    }

    @Test("reads a key from its file again when it is refused, and takes another one up by itself")
    func changedKey() async throws {
        let scratch = try Scratch("keys")
        try scratch.write("old\n", to: "key")
        chmod(scratch("key"), 0o600)
        let refused =
            #"{"statusCode":"403","code":"AccessDenied","error":"Unauthorized","message":"invalid signature"}"#
        try await Self.served { asked in
            asked.headers["apikey"] == "new"
                ? Self.json(#"{"Key":"sessions/sessions/a/one.jsonl.gz"}"#) : Self.json(refused, 400)
        } _: { server, scene in
            let store = scene.supabase(server.url, .file(scratch("key"), guarded: false))
            for _ in 0..<3 {
                let error = await #expect(throws: DeliveryError.self) { try await Self.put([1], in: store) }
                #expect(error?.code == .authentication && error?.hint?.contains(scratch("key")) == true)
                #expect(error?.retryAfter.map { $0 <= .seconds(30) } == true)
            }
            #expect(server.asked.count == 3)
            try scratch.write("new\n", to: "key")
            try await Self.put([1], in: store)
            #expect(server.asked.count == 4)
            // And what is no key is not sent at all.
            for text in ["", "two\nlines\n", "a b", "new\u{7}"] {
                try scratch.write(text, to: "bad")
                chmod(scratch("bad"), 0o600)
                let bad = scene.supabase(server.url, .file(scratch("bad"), guarded: false))
                let error = await #expect(throws: DeliveryError.self) { try await Self.put([1], in: bad) }
                #expect(error?.code == .authentication)
            }
            chmod(scratch("key"), 0o644)
            let open = scene.supabase(server.url, .file(scratch("key"), guarded: false))
            let error = await #expect(throws: DeliveryError.self) { try await Self.put([1], in: open) }
            #expect(error?.hint?.contains("chmod 600") == true && server.asked.count == 4)
        }
    }

    @Test("sends the pieces of a long object to the server that it was given, wherever that believes to be")
    func location() async throws {
        let bytes = [UInt8](repeating: 7, count: (6 << 20) + 5)
        try await Self.served { asked in
            guard asked.method == "PATCH" else {
                return .status(201, "Location: http://192.0.2.1/elsewhere/upload/resumable/bmFtZQ\r\n")
            }
            let offset = (Int(asked.headers["Upload-Offset"] ?? "") ?? 0) + asked.body.count
            return .status(204, "Upload-Offset: \(offset)\r\n")
        } _: { server, scene in
            try await Self.put(bytes, in: scene.supabase(server.url, "k"))
            let asked = server.asked
            #expect(asked.map(\.method) == ["POST", "PATCH", "PATCH"])
            #expect(asked[1].target == "/storage/v1/upload/resumable/bmFtZQ")
            #expect(asked.dropFirst().map(\.body.count) == [6 << 20, 5])
            #expect(asked[0].headers["Upload-Length"] == "\(bytes.count)" && asked[0].headers["x-upsert"] == "false")
        }
    }

    @Test("gives up a resumable upload whose server does not know its own mind")
    func confused() async throws {
        let bytes = [UInt8](repeating: 7, count: (6 << 20) + 5)
        try await Self.served { asked in
            switch asked.method {
            case "POST": .status(201, "Location: /upload/resumable/bmFtZQ\r\n")
            case "HEAD": .status(200, "Upload-Offset: 0\r\n")
            default: .status(409, "", "Upload-Offset conflict")
            }
        } _: { server, scene in
            let error = await #expect(throws: DeliveryError.self) {
                try await Self.put(bytes, in: scene.supabase(server.url, "k"))
            }
            #expect(error?.code == .transient && server.asked.count < 10)
        }
    }

    @Test("keeps its promises for long objects, too", .enabled(if: SupabaseDouble.python != nil))
    func long() async throws {
        let (double, scene) = (try SupabaseDouble([]), try TransferScene())
        let store = scene.supabase(double.url, double.key)
        let bytes = (0..<(13 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
        let key = try #require(Self.key)
        for _ in 0..<2 { try await Self.put(bytes, in: store) }
        #expect(try await store.readAll(key) == bytes)
        let conflict = await #expect(throws: DeliveryError.self) { try await Self.put(bytes.map { $0 ^ 1 }, in: store) }
        #expect(conflict?.code == .conflict)
        let first = try await store.version(of: key)
        let second = try await store.put(MemoryObject(bytes + [1]), to: key, .replacing(first))
        let other = await #expect(throws: DeliveryError.self) {
            try await store.put(MemoryObject(bytes), to: key, .replacing(first))
        }
        #expect(other?.code == .conflict && first != second)
        let found = try await store.version(of: key)
        #expect(found == second)
        withExtendedLifetime((double, scene)) {}
    }
}
