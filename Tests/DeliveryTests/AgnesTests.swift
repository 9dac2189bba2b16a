import LinuxSystem
import Shared
import Synchronization
import TestSupport
import Testing

@testable import Delivery

/// What is sent to an agnes server, and what its answers mean.
@Suite("An agnes server's")
struct AgnesTests {
    private static func key(_ sid: String, _ stream: String = "main") throws -> StreamKey {
        StreamKey(session: try #require(SessionID(sid)), stream: try #require(StreamName(stream)))
    }

    @Test(
        "files have names of their own, whatever session, stream and generation they are of",
        arguments: [
            ("s", "main", 1, "s.jsonl"), ("s", "main", 3, "s.g3.jsonl"), ("s", "agents/a1", 1, "s.agents.a1.jsonl"),
            ("s", "agents/a1", 2, "s.agents.a1.g2.jsonl"), ("s", "agents/a1/g2", 1, "s.agents.a1._672.jsonl"),
            ("s.agents.a1", "main", 1, "s_2Eagents_2Ea1.jsonl"), ("s+1", "main~12ab", 1, "s_2B1.main_7E12ab.jsonl"),
            ("g2", "main", 1, "_672.jsonl"),
        ])
    func names(_ sid: String, _ stream: String, _ generation: Int, _ name: String) throws {
        let key = try Self.key(sid, stream)
        #expect(try AgnesFile.name(key.stream, of: key.session, generation: generation) == name)
    }

    @Test("names are never longer than it takes")
    func long() throws {
        let fits = try Self.key(String(repeating: "s", count: 191))
        #expect(try AgnesFile.name(fits.stream, of: fits.session, generation: 1).utf8.count == 197)
        let error = #expect(throws: DeliveryError.self) {
            try AgnesFile.name(fits.stream, of: fits.session, generation: 2)
        }
        #expect(error?.code == .permanent && error?.hint != nil)
    }

    @Test(
        "answers mean",
        arguments: [
            (201, "", AgnesRefusal.Meaning.elsewhere), (204, "", .elsewhere), (302, "", .elsewhere),
            (400, "invalid filename", .invalid), (400, "{\"detail\":\"invalid_gzip\"}", .invalidGzip),
            (401, "", .wrongKey), (403, "", .wrongKey), (404, "", .absent), (405, "", .absent),
            (407, "", .elsewhere), (408, "", .busy), (413, "", .tooLong), (422, "", .invalid), (425, "", .busy),
            (429, "", .busy), (500, "", .busy), (502, "", .busy), (503, "", .busy),
        ])
    func meanings(_ status: Int, _ said: String, _ meaning: AgnesRefusal.Meaning) {
        #expect(AgnesRefusal.meaning(status, said) == meaning)
    }

    @Test("form has the file's bytes between its boundaries, and nobody asks twice whether it unpacks")
    func form() async throws {
        let server = try ScriptedServer { asked in
            asked.method == "GET"
                ? .ok([], "X-Agnes-Accepts: other, session-gzip\r\n")
                : .ok(Array(#"{"status":"ok","filename":"s.jsonl","size":8}"#.utf8))
        }
        defer { server.stop() }
        let scene = try TransferScene()
        let sink = scene.agnes("\(server.url)/base/")
        #expect(try await sink.open(proposing: StoreID("x"), known: nil).rawValue.count == 32)
        let file = OutgoingFile(stream: try Self.key("s"), generation: 1) {
            (isGzip, taking) async throws(DeliveryError) in
            for piece in isGzip ? ["pac", "ked"] : ["plain"] { try await taking(Array(piece.utf8)) }
            return 8
        }
        try await sink.put(file)
        try await sink.put(file)
        #expect(
            server.asked.map(\.target)
                == ["/base/api/health"] + Array(repeating: "/base/api/upload/sessions", count: 2))
        let asked = server.asked[1]
        let type = try #require(asked.headers["Content-Type"])
        let boundary = try #require(type.split(separator: "boundary=", maxSplits: 1).last)
        #expect(asked.headers["Authorization"] == "Bearer pat" && asked.headers["Content-Encoding"] == nil)
        #expect(
            String(decoding: asked.body, as: UTF8.self)
                == "--\(boundary)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"s.jsonl.gz\"\r\n"
                + "Content-Type: application/gzip\r\n\r\npacked\r\n--\(boundary)--\r\n")
        #expect(server.asked[2].headers["Content-Type"] != type, "a boundary is drawn for each")
        withExtendedLifetime(scene) {}
    }

    @Test(
        "yes is believed only when it is agnes's own, of all the bytes",
        arguments: [
            ("{}", DeliveryError.Code.unusable), ("<html>", .unusable), ("", .unusable),
            (#"{"status":"no"}"#, .unusable),
            (#"{"status":"ok","size":7}"#, .transient), (#"{"status":"ok","size":5}"#, nil), (#"{"status":"ok"}"#, nil),
        ])
    func yes(_ said: String, _ code: DeliveryError.Code?) async throws {
        let server = try ScriptedServer { asked in asked.method == "GET" ? .status(404) : .ok(Array(said.utf8)) }
        defer { server.stop() }
        let scene = try TransferScene()
        let sink = scene.agnes(server.url)
        let file = OutgoingFile(stream: try Self.key("s"), generation: 1) {
            (isGzip, taking) async throws(DeliveryError) in
            #expect(!isGzip, "it has no page that says so")
            try await taking(Array("plain".utf8))
            return 5
        }
        do throws(DeliveryError) {
            try await sink.put(file)
            #expect(code == nil)
        } catch {
            #expect(error.code == code)
        }
        withExtendedLifetime(scene) {}
    }

    @Test("refusal does not repeat the token, nor is anything sent when there is no file")
    func quiet() async throws {
        let server = try ScriptedServer { asked in asked.method == "GET" ? .status(404) : .status(422, "", "pat? no") }
        defer { server.stop() }
        let scene = try TransferScene()
        let sink = scene.agnes(server.url)
        let said = Mutex<DeliveryError?>(nil)
        let file = OutgoingFile(stream: try Self.key("s"), generation: 1) { (_, taking) async throws(DeliveryError) in
            try await taking(Array("plain".utf8))
            if let error = said.withLock({ $0 }) { throw error }
            return 5
        }
        let refused = await #expect(throws: DeliveryError.self) { try await sink.put(file) }
        #expect(refused?.code == .permanent && refused?.message.contains("pat") == false)
        said.withLock { $0 = DeliveryError(.conflict, "it has a hole") }
        let held = await #expect(throws: DeliveryError.self) { try await sink.put(file) }
        #expect(held?.code == .conflict && server.asked.filter { $0.method == "POST" }.count == 1)
        withExtendedLifetime(scene) {}
    }
}

extension TransferScene {
    func agnes(_ url: String) -> AgnesSink {
        AgnesSink(
            url: url, client: client(), key: BearerKey(.given(Secret("pat")), lane: files), time: time,
            random: SystemRandom(), workingOn: files, in: scratch("bodies"))
    }
}
