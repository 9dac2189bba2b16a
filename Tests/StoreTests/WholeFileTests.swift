import LinuxSystem
import Segments
import Shared
import Store
import TestSupport
import Testing

@Suite("A store that takes whole files")
struct WholeFileTests {
    private static func scene(_ body: (Scene, Store, StoreID) async throws -> Void) async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let far = StoreID("far")
        try await store.use([far])
        try await store.takesFiles(far)
        try await body(scene, store, far)
    }

    private static func next(
        _ store: Store, _ far: StoreID, _ excluding: Set<SegmentID> = [], atOnce: Bool = true
    ) async throws -> [SegmentID] {
        try await store.nextDeliveries(to: far, limit: 9, excluding: excluding, atOnce: atOnce).map(\.id)
    }

    private static func carry(
        _ store: Store, _ far: StoreID, upTo id: SegmentID, _ accepted: AcceptedFile?
    ) async throws {
        let file = try #require(try await store.file(upTo: id, at: far))
        #expect(try await store.claim(file, for: far))
        try await store.record(receiptFor: file, accepted, at: far)
    }

    @Test("gets the last segment of each stream, which stands for all before it")
    func ends() async throws {
        try await Self.scene { _, store, far in
            let ids = try await store.seal(Source("ses_1", lines: 3), lines: 1)
            let agents = try await store.seal(Source("ses_1", "agents/a", lines: 2), lines: 1)
            #expect(try await Self.next(store, far) == [ids[2], agents[1]])
            // On its way, or refused: nothing of that file goes.
            #expect(try await Self.next(store, far, [ids[2]]) == [agents[1]])
            #expect(try await Self.next(store, far, [ids[0]]) == [agents[1]])
            let file = try #require(try await store.file(upTo: ids[2], at: far))
            #expect(file.segments.map(\.id) == ids && file.lastWholeLine == 3 && file.end.lastLine == 3)
            #expect(!file.isThere && file.accepted == nil)
            #expect(try await store.claim(file, for: far))
            #expect(try await Self.next(store, far) == [agents[1]])
            #expect(try await !store.claim(file, for: far), "it is on its way")
            let accepted = AcceptedFile(lines: 3, bytes: 30, digest: String(repeating: "a", count: 64))
            try await store.record(receiptFor: file, accepted, at: far)
            #expect(try await Self.next(store, far) == [agents[1]])
            #expect(try await store.file(upTo: ids[2], at: far) == nil, "nothing of it waits")
        }
    }

    @Test("gets a session that rests, or has ended, unless somebody waits for it")
    func rests() async throws {
        try await Self.scene { scene, store, far in
            let ids = try await store.seal(Source("ses_1", lines: 2), lines: 1)
            let begun = scene.time.now
            #expect(try await Self.next(store, far, atOnce: false) == [])
            #expect(try await store.fileDue(at: far) == begun + Store.rest)
            #expect(try await Self.next(store, far) == [ids[1]])
            scene.time.move(by: 59)
            #expect(try await Self.next(store, far, atOnce: false) == [])
            // It went on: it rests anew.
            let more = try await store.seal(Source("ses_1", "agents/a", lines: 1), lines: 1)
            scene.time.move(by: 2)
            #expect(try await Self.next(store, far, atOnce: false) == [])
            // Asked again at once it is not looked for.
            #expect(try await Self.next(store, far, atOnce: false) == [])
            #expect(try await store.fileDue(at: far) == scene.time.now + .seconds(1))
            scene.time.move(by: 60)
            #expect(try await Self.next(store, far, atOnce: false) == [ids[1], more[0]])
            #expect(try await store.fileDue(at: far) == nil)
            let other = try await store.seal(Source("ses_2", lines: 1), lines: 1)
            #expect(try await Self.next(store, far, [ids[1], more[0]], atOnce: false) == [])
            let session = try #require(SessionID("ses_2"))
            try await store.setEnded(session, reason: "clear")
            scene.time.move(by: 1)
            #expect(try await Self.next(store, far, [ids[1], more[0]], atOnce: false) == other)
        }
    }

    @Test("has what was joined since, and is not sent it again")
    func joined() async throws {
        try await Self.scene { _, store, far in
            let source = try Source("ses_1", lines: 4)
            let ids = try await store.seal(source, lines: 1)
            let accepted = AcceptedFile(lines: 4, bytes: 40, digest: String(repeating: "b", count: 64))
            try await Self.carry(store, far, upTo: ids[3], accepted)
            let parts = Array(try await store.mergeInput(of: source.key).segments.prefix(2))
            let whole = try await store.sealMerged(try source.merged(parts), replacing: [ids[0], ids[1]])
            #expect(try await Self.next(store, far) == [whole])
            let file = try #require(try await store.file(upTo: whole, at: far))
            #expect(file.isThere && file.accepted == accepted && file.end.lastLine == 4)
            try await Self.carry(store, far, upTo: whole, nil)
            #expect(try await Self.next(store, far) == [])
            // Somebody wants it there once more: then it is not there.
            try await store.use([far, StoreID("near")])
            _ = try await store.putAgain(source.key.session, at: far, from: [])
            #expect(try await Self.next(store, far) == [ids[3]])
            #expect(try await store.file(upTo: ids[3], at: far)?.accepted == nil)
        }
    }

    @Test("gets nothing twice that was claimed when the process ended, and nothing of a private session")
    func claims() async throws {
        try await Self.scene { scene, store, far in
            let ids = try await store.seal(Source("ses_1", lines: 3), lines: 1)
            let file = try #require(try await store.file(upTo: ids[2], at: far))
            #expect(try await store.claim(file, for: far))
            try await store.release(file, for: far, because: Setback("transient", "down", isFinal: false))
            #expect(try await Self.next(store, far) == [ids[2]])
            #expect(try await store.claim(file, for: far))
            await store.close()
            let (again, _) = try await scene.open()
            try await again.use([far])
            try await again.takesFiles(far)
            #expect(try await Self.next(again, far) == [ids[2]])
            let session = try #require(SessionID("ses_1"))
            _ = try await again.say(.private, of: session)
            #expect(try await !again.claim(file, for: far))
            #expect(try await Self.next(again, far) == [])
        }
    }

    private static func accepted(_ lines: Int, isHead: Bool = false) -> AcceptedFile {
        var file = AcceptedFile(lines: lines, bytes: Int64(lines) * 10, digest: String(repeating: "a", count: 64))
        (file.version, file.isHead) = ("v\(lines)", isHead)
        return file
    }

    private static func place(_ store: Store, _ far: StoreID, of id: SegmentID) async throws -> FilePlace? {
        try await store.file(upTo: id, at: far)?.place
    }

    @Test("with one place for each stream has the generation there that was first put, until somebody asks")
    func heads() async throws {
        try await Self.scene { _, store, far in
            var source = try Source("ses_1", lines: 2)
            let first = try await store.seal(source, lines: 2)
            #expect(try await Self.place(store, far, of: first[0]) == .head)
            try await Self.carry(store, far, upTo: first[0], Self.accepted(2, isHead: true))
            source.generations.append(Source.lines(1...3, of: "anew"))
            let second = try await store.seal(source, lines: 3)
            #expect(try await Self.place(store, far, of: second[0]) == FilePlace.none)
            let session = try #require(SessionID("ses_1"))
            #expect(try await store.putAgain(session, at: far, from: []) == 1)
            for (id, place) in [(first[0], FilePlace.beside), (second[0], .head)] {
                let file = try #require(try await store.file(upTo: id, at: far))
                #expect(file.place == place && file.replacesAny)
            }
            // Nobody waits for its rest.
            #expect(try await Set(Self.next(store, far, atOnce: false)) == [first[0], second[0]])
            try await Self.carry(store, far, upTo: first[0], Self.accepted(2))
            #expect(try await store.file(upTo: second[0], at: far)?.replacesAny == true)
            try await Self.carry(store, far, upTo: second[0], Self.accepted(3, isHead: true))
            let key = StreamKey(session: session, stream: .main)
            #expect(try await store.acceptedFile(of: key, generation: 1, at: far)?.isHead == false)
            let head = try await store.acceptedFile(of: key, generation: 2, at: far)
            #expect(head?.isHead == true && head?.version == "v3")
            source.generations.append(Source.lines(1...3, of: "once more"))
            let third = try await store.seal(source, lines: 3)
            let file = try #require(try await store.file(upTo: third[0], at: far))
            #expect(file.place == FilePlace.none && !file.replacesAny)
        }
    }

    @Test("that has nothing of a stream gets its last generation as its own, and those before beside it")
    func filled() async throws {
        try await Self.scene { _, store, far in
            var source = try Source("ses_1", lines: 2)
            let first = try await store.seal(source, lines: 2)
            source.generations.append(Source.lines(1...3, of: "anew"))
            let second = try await store.seal(source, lines: 3)
            #expect(try await Self.place(store, far, of: first[0]) == .beside)
            try await Self.carry(store, far, upTo: first[0], Self.accepted(2))
            #expect(try await Self.place(store, far, of: second[0]) == .head)
        }
    }

    @Test("that has not got a file any more gets it again, whatever is there")
    func recalled() async throws {
        try await Self.scene { _, store, far in
            let ids = try await store.seal(Source("ses_1", lines: 2), lines: 1)
            try await Self.carry(store, far, upTo: ids[1], Self.accepted(2, isHead: true))
            #expect(try await Self.next(store, far) == [])
            let key = StreamKey(session: try #require(SessionID("ses_1")), stream: .main)
            #expect(try await store.recallFile(of: key, generation: 1, at: far))
            #expect(try await Self.next(store, far) == [ids[1]])
            let file = try #require(try await store.file(upTo: ids[1], at: far))
            #expect(file.segments.map(\.id) == ids && file.place == .head && file.replacesAny && !file.isThere)
            #expect(try await store.recallFile(of: key, generation: 2, at: far) == false)
        }
    }
}
