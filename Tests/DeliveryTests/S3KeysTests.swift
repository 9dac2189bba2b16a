import Glibc
import LinuxSystem
import Shared
import TestSupport
import Testing

@testable import Delivery

@Suite("Keys for S3")
struct S3KeysTests {
    private static func secret(_ keys: S3Keys?) -> String? {
        keys.map { $0.withSecret { String(decoding: $0, as: UTF8.self) } }
    }

    @Test("are two lines, and a third for a token; nothing else")
    func lines() {
        let two = S3Keys(lines: Array("id\nse/cr+et=\n".utf8))
        #expect(two?.id == "id" && Self.secret(two) == "se/cr+et=" && two?.token == nil)
        #expect(S3Keys(lines: Array("id\r\nsecret\r\ntoken".utf8))?.token == "token")
        for wrong in ["", "id", "id\n", "a\nb\nc\nd", "id with space\nsecret", "id\nsecrét"] {
            #expect(S3Keys(lines: Array(wrong.utf8)) == nil, "\(wrong)")
        }
    }

    @Test("show in no description, dump or interpolation")
    func hidden() {
        let keys = S3Keys(id: "id", secret: Array("hunter2".utf8))
        var dumped = ""
        dump(keys, to: &dumped)
        for text in ["\(keys)", String(reflecting: keys), dumped] { #expect(!text.contains("hunter2")) }
    }

    @Test("of a file are read each time, and only while it is ours alone")
    func file() async throws {
        let scratch = try Scratch("keys")
        let file = S3KeyFile(scratch("key"), isGuarded: false, lane: Lane(name: "keys"))
        func code() async -> DeliveryError.Code? {
            do throws(DeliveryError) { _ = try await file.keys() } catch { return error.code }
            return nil
        }
        #expect(await code() == .authentication)
        try scratch.write("one\nsecret\n", to: "key")
        #expect(try await file.keys().id == "one")
        try scratch.write("two\nsecret\n", to: "key")
        #expect(try await file.keys().id == "two")
        chmod(scratch("key"), 0o640)
        #expect(await code() == .authentication)
        chmod(scratch("key"), 0o600)
        try scratch.write("hunter2", to: "key")
        let error = await #expect(throws: DeliveryError.self) { _ = try await file.keys() }
        #expect(error.map { "\($0.message) \($0.hint ?? "")".contains("hunter2") } == false)
    }

    @Test("of a profile are those of its section, in the first file that has them")
    func profile() async throws {
        let scratch = try Scratch("keys")
        try scratch.write(
            "[other]\naws_access_key_id = no\naws_secret_access_key = no\n[work]\nregion = x\n", to: "credentials")
        try scratch.write(
            "; comment\n[default]\naws_access_key_id=d\n\n[ profile  work ]\naws_access_key_id = w\n"
                + "aws_secret_access_key = s=e/c+\naws_session_token=t\n", to: "config")
        let files = [scratch("missing"), scratch("credentials"), scratch("config")]
        let keys = try await S3ProfileKeys("work", in: files, lane: Lane(name: "keys")).keys()
        #expect(keys.id == "w" && Self.secret(keys) == "s=e/c+" && keys.token == "t")
        let error = await #expect(throws: DeliveryError.self) {
            _ = try await S3ProfileKeys("default", in: files, lane: Lane(name: "keys")).keys()
        }
        #expect(error?.code == .authentication && error?.message.contains("profile default") == true)
    }

    @Test("of a container's service come with their end, and the token that it asks for")
    func container() async throws {
        let server = try ScriptedServer { asked in
            guard asked.headers["Authorization"] == "pass" else { return .status(403) }
            return .ok(
                Array(
                    """
                    {"AccessKeyId":"a","SecretAccessKey":"s","Token":"t","Expiration":"2030-01-01T00:00:00Z","RoleArn":"x"}
                    """.utf8))
        }
        defer { server.stop() }
        let scene = try TransferScene()
        func keys(_ token: String) async throws -> S3Keys {
            try await S3ServiceKeys(
                .container(url: "\(server.url)/v2/x", token: Secret(token), tokenFile: nil), client: scene.client(),
                lane: scene.files
            ).keys()
        }
        let found = try await keys("pass")
        #expect(found.id == "a" && found.token == "t" && found.end == RFC3339.parse("2030-01-01T00:00:00Z"))
        let error = await #expect(throws: DeliveryError.self) { _ = try await keys("wrong") }
        #expect(error?.code == .authentication && error?.message.contains("403") == true)
    }
}
