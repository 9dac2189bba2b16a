import LinuxSystem
import Shared
import Synchronization
import TestSupport
import Testing

@testable import Delivery

@Suite("A history")
struct HistorySinkTests {
    private struct Place {
        let scratch: Scratch
        let lane: Lane
        let store: DirectoryObjectStore
        let layout = ObjectLayout(prefix: "sessions/")

        init() throws {
            scratch = try Scratch("history")
            lane = Lane(name: "history")
            store = DirectoryObjectStore(
                root: scratch("root"), owner: "0123abcd", life: "00000001", executor: Lane(name: "store"),
                time: SimulatedTime())
        }

        func sink(_ reach: HistorySink.Reach = .everything, isBeside: Bool = false) -> HistorySink {
            let sessions: any SessionSink =
                reach == .everything
                ? ObjectLayoutSink(store: store, layout: layout)
                : WriteOnlySink(store: store, layout: layout, canLook: reach == .versions)
            return HistorySink(
                store: store, layout: layout, sessions: sessions, reach: reach, isBeside: isBeside, workingOn: lane,
                in: scratch("cache"))
        }

        func text(_ name: String = "s/history.jsonl") async throws -> String? {
            try await store.readAll(try #require(ObjectKey("sessions/\(name)"))).map {
                String(decoding: $0, as: UTF8.self)
            }
        }

        func put(_ text: String, _ name: String = "s/history.jsonl") async throws {
            let key = try #require(ObjectKey("sessions/\(name)"))
            _ = try await store.put(
                MemoryObject(Array(text.utf8)), to: key, .replacing(try await store.version(of: key)))
        }
    }

    private static func file(_ text: String, _ stream: String = "main") throws -> OutgoingFile {
        let key = StreamKey(
            session: try #require(SessionID("s")), stream: try #require(StreamName(stream)))
        return OutgoingFile(stream: key, generation: 1) { (_, taking) async throws(DeliveryError) in
            for piece in text.split(separator: "|") { try await taking(Array(piece.utf8)) }
            return Int64(text.utf8.count)
        }
    }

    @Test("is one object of each stream, whose last line has its end")
    func objects() async throws {
        let place = try Place()
        let sink = place.sink()
        _ = try await sink.put(try Self.file("{\"a\":1}\n{\"b\"|:2}"))
        #expect(try await place.text() == "{\"a\":1}\n{\"b\":2}\n")
        _ = try await sink.put(try Self.file("x\n", "agents/7"))
        #expect(try await place.text("s/streams/agents/7/history.jsonl") == "x\n")
        var old = try Self.file("old\n")
        (old.generation, old.isHead) = (3, false)
        _ = try await sink.put(old)
        #expect(try await place.text("s/history.g3.jsonl") == "old\n")
    }

    @Test("extends what is there, whoever put that; other lines stay until somebody asks")
    func extends() async throws {
        let place = try Place()
        let sink = place.sink()
        let first = try await sink.put(try Self.file("1\n2\n"))
        // Not known to be ours, and the same: nothing is put.
        #expect(try await sink.put(try Self.file("1\n2\n")) == first)
        let second = try await sink.put(try Self.file("1\n2\n3\n"))
        #expect(second != first && second != nil)
        // A last line that was given an end, and has grown.
        try await place.put("1\n2\n3\n{\"x\n")
        _ = try await sink.put(try Self.file("1\n2\n3\n{\"x\":1}\n"))
        #expect(try await place.text() == "1\n2\n3\n{\"x\":1}\n")
        for other in ["1\n9\n", "1\n2\n3\n{\"x\":1}\n5\n", "9\n"] {
            try await place.put(other)
            let error = await #expect(throws: DeliveryError.self) {
                _ = try await sink.put(try Self.file("1\n2\n3\n{\"x\":1}\n"))
            }
            #expect(error?.code == .conflict)
            #expect(try await place.text() == other)
        }
        var asked = try Self.file("new\n")
        asked.replacesAny = true
        let version = try await sink.put(asked)
        #expect(try await place.text() == "new\n")
        // What was put last is not read again, and may be replaced by what Store says begins as it did.
        var known = try Self.file("newer\n")
        known.before = version
        _ = try await sink.put(known)
        #expect(try await place.text() == "newer\n")
    }

    @Test("is put again where it is gone, and where nothing can be read whatever is there")
    func unread() async throws {
        let place = try Place()
        for reach in [HistorySink.Reach.versions, .everything] {
            let sink = place.sink(reach)
            let version = try await sink.put(try Self.file("1\n"))
            let key = try #require(ObjectKey("sessions/s/history.jsonl"))
            try await place.store.delete(key)
            var again = try Self.file("1\n2\n")
            again.before = version
            _ = try await sink.put(again)
            #expect(try await place.text() == "1\n2\n")
            try await place.store.delete(key)
        }
    }

    @Test("of a session that was forgotten there is not put")
    func forgotten() async throws {
        let place = try Place()
        let sink = place.sink()
        let session = try #require(SessionID("s"))
        _ = try await sink.put(try Self.file("1\n"))
        try await sink.entomb(session, Array("{}".utf8))
        try await sink.erase(session, manifestsOnly: false)
        #expect(try await place.text() == nil)
        let error = await #expect(throws: DeliveryError.self) { _ = try await sink.put(try Self.file("1\n")) }
        #expect(error?.code == .conflict && error?.message.contains("forgotten") == true)
    }

    @Test("beside segments has receipts of its own, in the same store, and makes none of it where it cannot look")
    func beside() async throws {
        let place = try Place()
        let own = try await place.sink().open(proposing: StoreID("a"), known: nil)
        let beside = place.sink(isBeside: true)
        let id = try await beside.open(proposing: StoreID("b"), known: nil)
        #expect(own == StoreID("a") && id != own)
        #expect(try await beside.open(proposing: StoreID("c"), known: id) == id)
        #expect(try await beside.store(known: id) == id)
        let other = try Place()
        let blind = other.sink(.nothing, isBeside: true)
        #expect(try await blind.open(proposing: StoreID("d"), known: nil) == StoreID("d"))
        #expect(try await blind.open(proposing: StoreID("e"), known: StoreID("d")) == StoreID("d"))
        #expect(try await other.store.list("sessions/").isEmpty)
    }

    @Test(
        "has a name that says whose it is",
        arguments: [
            ("s/history.jsonl", "s", nil, nil), ("s/history.g12.jsonl", "s", nil, 12),
            ("s/streams/agents/7/history.jsonl", "s", "agents/7", nil),
            ("s/streams/a/history.g2.jsonl", "s", "a", 2),
        ] as [(String, String, String?, Int?)])
    func names(_ text: String, _ folder: String, _ stream: String?, _ generation: Int?) throws {
        let name = try #require(HistoryName(text))
        #expect(name.folder == folder && name.stream == stream && name.generation == generation)
    }

    @Test(
        "is not what is called otherwise",
        arguments: [
            "history.jsonl", "s/manifest.json", "s/history.json", "s/historyjsonl", "s/history.g0.jsonl",
            "s/history.gx.jsonl", "s/history.2.jsonl", "../history.jsonl", "s//history.jsonl", "/history.jsonl",
            "s/streams/history.jsonl", "s/other/a/history.jsonl", "s/history.g-1.jsonl", "s/é/history.jsonl",
        ])
    func noNames(_ text: String) { #expect(HistoryName(text) == nil) }
}
