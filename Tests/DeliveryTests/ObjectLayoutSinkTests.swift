import Delivery
import Digests
import Shared
import TestSupport
import Testing

/// The layout of docs/formats.md, section 1, over a store in memory.
@Suite("Sessions as objects")
struct ObjectLayoutSinkTests {
    private let end = FarEnd(time: SimulatedTime(), random: SeededRandom(1))
    private let session: SessionID
    private let writer = "00000000000000aa"

    init() throws { session = try #require(SessionID("ses_0abc")) }

    private var sink: ObjectLayoutSink {
        ObjectLayoutSink(store: end.connection(), layout: ObjectLayout(prefix: "sessions"))
    }

    private func manifest(_ sid: String? = nil, writer: String) throws -> [UInt8] {
        var manifest = Manifest(
            sid: sid ?? session.rawValue, createdAt: "2026-11-20T00:00:00Z", updatedAt: "2026-11-20T00:00:00Z")
        manifest.writer = writer
        return try JSONText.encode(manifest)
    }

    @Test("the store's id is made once, and is whose was first")
    func identity() async throws {
        let (mine, other) = (StoreID("1111"), StoreID("2222"))
        #expect(try await sink.open(proposing: mine, known: nil) == mine)
        #expect(try await sink.open(proposing: other, known: nil) == mine)
        #expect(try await sink.open(proposing: other, known: mine) == mine)
        #expect(end.keys == ["sessions/.uploaderd.json"])
        end.meddle("sessions/.uploaderd.json", nil)
        let gone = await #expect(throws: DeliveryError.self) { _ = try await sink.open(proposing: other, known: mine) }
        #expect(gone?.code == .unusable && end.keys.isEmpty)
        for text in ["", "{}", "[1]", "<html>log in</html>", #"{"id":"1111","layout":99}"#] {
            end.meddle("sessions/.uploaderd.json", Array(text.utf8))
            let error = await #expect(throws: DeliveryError.self) {
                _ = try await sink.open(proposing: mine, known: nil)
            }
            #expect(error?.code == .unusable, "\(text)")
            // A gateway's page may be gone soon; a newer layout is not.
            #expect(error?.retryAfter == (text.contains("99") ? nil : .seconds(30)), "\(text)")
        }
    }

    @Test("a first and a further writer's manifests are found, the first one's first")
    func manifests() async throws {
        #expect(try await sink.manifests(of: session).isEmpty)
        let other = "00000000000000bb"
        _ = try await sink.publish(
            try manifest(writer: other), of: session, writer: other, place: .further, replacing: nil)
        _ = try await sink.publish(
            try manifest(writer: writer), of: session, writer: writer, place: .first, replacing: nil)
        #expect(
            end.keys == ["sessions/ses_0abc/manifest.json", "sessions/ses_0abc/writers/\(other)/manifest.json"])
        let found = try await sink.manifests(of: session)
        #expect(found.map(\.manifest.writer) == [writer, other])
        #expect(found.map(\.folder) == ["sessions/ses_0abc/", "sessions/ses_0abc/writers/\(other)/"])
        #expect(
            try await sink.manifests(of: session, besides: found[0].folder).map(\.manifest.writer) == [other])
    }

    @Test("a manifest is put only in the place of the one that was seen")
    func precondition() async throws {
        let first = try await sink.publish(
            try manifest(writer: writer), of: session, writer: writer, place: .first, replacing: nil)
        #expect(try await sink.version(of: session, writer: writer, place: .first) == first)
        #expect(try await sink.version(of: session, writer: writer, place: .further) == nil)
        end.meddle("sessions/ses_0abc/manifest.json", try manifest(writer: "00000000000000bb"))
        for version in [first, nil] {
            let error = await #expect(throws: DeliveryError.self) {
                _ = try await sink.publish(
                    try manifest(writer: writer), of: session, writer: writer, place: .first, replacing: version)
            }
            #expect(error?.code == .conflict)
        }
        #expect(try await sink.manifests(of: session).map(\.manifest.writer) == ["00000000000000bb"])
    }

    @Test("a manifest that is none, or of another session, is said and believed in nothing")
    func hostile() async throws {
        for text in ["", "nothing", "{}", String(decoding: try manifest("another", writer: writer), as: UTF8.self)] {
            end.meddle("sessions/ses_0abc/manifest.json", Array(text.utf8))
            let error = await #expect(throws: DeliveryError.self) { _ = try await sink.manifests(of: session) }
            #expect(error?.code == .conflict, "\(text)")
        }
        end.meddle("sessions/other/manifest.json", try manifest("other", writer: writer))
        let seen = Seen()
        try await sink.eachManifest { found in
            switch found {
            case .success(let found): await seen.add(found.manifest.sid)
            case .failure(let error): await seen.add(error.code.rawValue)
            }
        }
        #expect(await seen.all == ["other", "conflict"])
    }

    @Test("what is wrong with a manifest is said with its place and what was expected there, not in Swift's words")
    func mismatches() async throws {
        let whole = #""created_at":"t","updated_at":"t","sid":"ses_0abc""#
        for (text, said) in [
            ("{\(whole),\"segments\":[{\"seq\":\"x\"}]}", "segments[0].seq: a whole number was expected"),
            ("{", "it is no JSON"),
        ] {
            end.meddle("sessions/ses_0abc/manifest.json", Array(text.utf8))
            let error = await #expect(throws: DeliveryError.self) { _ = try await sink.manifests(of: session) }
            let message = error?.message ?? ""
            #expect(message.contains("sessions/ses_0abc/manifest.json") && message.contains(said), "\(message)")
            for word in ["DecodingError", "Debug description", "CodingKeys"] { #expect(!message.contains(word)) }
        }
    }

    @Test("a manifest of a newer layout is told as such, however different it looks")
    func newer() async throws {
        end.meddle("sessions/ses_0abc/manifest.json", Array(#"{"sid":"ses_0abc","layout":2,"segments":{}}"#.utf8))
        let error = await #expect(throws: DeliveryError.self) { _ = try await sink.manifests(of: session) }
        #expect(error?.message.contains("manifest of session ses_0abc") == true)
        #expect(error?.message.contains("layout 2") == true)
        #expect(error?.hint == "upgrade uploaderd on this machine")
    }

    private actor Seen {
        var all: [String] = []
        func add(_ text: String) { all.append(text) }
    }

    @Test("a path of a manifest leads nowhere but below its folder")
    func paths() async throws {
        end.meddle("secret", [1])
        for path in ["../../secret", "/secret", "a/../../../secret", "", "a b", "segments/\u{0}"] {
            let read = await #expect(throws: DeliveryError.self) {
                _ = try await sink.object(path, in: "sessions/ses_0abc/")
            }
            #expect(read?.code == .permanent, "\(path)")
            let deleted = await #expect(throws: DeliveryError.self) {
                try await sink.delete(path, in: "sessions/ses_0abc/")
            }
            #expect(deleted?.code == .permanent, "\(path)")
        }
        #expect(end.keys == ["secret"])
    }

    @Test("a tombstone is seen")
    func forgotten() async throws {
        #expect(try await !sink.isForgotten(session))
        end.meddle("sessions/ses_0abc/forgotten.json", Array("{}".utf8))
        #expect(try await sink.isForgotten(session))
    }

    @Test("names of sessions and writers become names that every store takes")
    func escaping() async throws {
        let odd = try #require(SessionID("../ä"))
        #expect(sink.folder(of: odd, writer: "a b", place: .first) == "sessions/_2E._2F_C3_A4/")
        #expect(sink.folder(of: odd, writer: "a b", place: .further) == "sessions/_2E._2F_C3_A4/writers/a_20b/")
    }
}
