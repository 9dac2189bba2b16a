import Delivery
import LinuxSystem
import Segments
import Shared
import Store
import TestSupport
import Testing

@testable import Engine

/// Reading when some of the copies of an object are gone or not what was put.
@Suite("Copies of an object")
struct CopiesTests {
    static func lines(_ numbers: ClosedRange<Int>) -> String {
        numbers.map { "{\"n\":\($0)}\n" }.joined()
    }

    /// A session of three segments in two stores, and nothing of it in the spool.
    static func stage(_ body: @escaping @Sendable (Stage, Life, [String]) async throws -> Void) throws {
        let stage = try Stage(ends: ["archive", "mirror"]) {
            $0.segments.maxLines = 2
            $0.merge.enabled = false
        }
        try stage.live { life in
            try stage.append(lines(1...6), to: "a.jsonl", life)
            await life.settle()
            try await stage.pass(.seconds(60))
            let segments = try await life.segments("a")
            #expect(segments.count == 3)
            #expect(try Tree.files(stage.scratch("state/spool")).isEmpty)
            try await body(stage, life, segments.map { "\(Stage.prefix)a/\($0.objectPath)" })
        }
    }

    private static func flip(_ key: String, in end: FarEnd) throws {
        var bytes = try #require(end.objects[key])
        bytes[bytes.count / 2] ^= 1
        end.meddle(key, bytes)
    }

    private static func health(_ life: Life) -> [String] {
        life.board.snapshot().health.map { "\($0.kind) \($0.subject)" }
    }

    @Test("stand in for one another: a damaged or missing one is said, and the next store is read")
    func next() throws {
        try Self.stage { stage, life, keys in
            let (archive, mirror) = (try #require(stage.ends["archive"]), try #require(stage.ends["mirror"]))
            try Self.flip(keys[0], in: archive)
            archive.meddle(keys[1], nil)
            try Self.flip(keys[2], in: mirror)
            #expect(try await life.replayed("a") == stage.source("a.jsonl"))
            let names = keys.map { "a/main \($0.dropFirst("\(Stage.prefix)a/".count))" }
            // What is missing is put again; where the damaged one lies nothing can be put. The third of the archive's is
            // whole, so nobody looked at the mirror's.
            await life.settle()
            #expect(archive.objects[keys[1]] == mirror.objects[keys[1]])
            #expect(Self.health(life) == ["object_damaged archive/\(names[0])"])
            #expect(try await !life.isSafe("a"))
            // By its manifest it is the same object, and the same entry.
            await #expect(throws: ControlError.self) { try await life.replayed("a", from: "archive") }
            #expect(Self.health(life) == ["object_damaged archive/\(names[0])"])
            // Whoever puts it back is believed when it is read.
            archive.meddle(keys[0], mirror.objects[keys[0]])
            #expect(try await life.replayed("a", from: "archive") == stage.source("a.jsonl"))
            #expect(Self.health(life).isEmpty)
            #expect(try await life.isSafe("a"))
        }
    }

    @Test("that are all bad are an error that names each of them, and no byte of the object goes out")
    func none() throws {
        try Self.stage { stage, life, keys in
            for end in stage.ends.values { try Self.flip(keys[1], in: end) }
            let error = await #expect(throws: ControlError.self) { _ = try await life.replayed("a") }
            #expect(error?.code == .damaged)
            #expect(error?.message.contains("archive") == true && error?.message.contains("mirror") == true)
            var sent: [UInt8] = []
            let volume = try await life.volume("a")
            do throws(ControlError) {
                try await life.parts.replay.send(
                    volume, lines: nil, again: { () throws(ControlError) in volume }
                ) { _, bytes throws(ControlError) in sent += bytes }
            } catch {
                #expect(error.code == .damaged)
            }
            #expect(sent == Array(Self.lines(1...2).utf8))
        }
    }

    @Test("in a store that does not answer may be whole: then the answer is not that it is damaged")
    func unreachable() throws {
        try Self.stage { stage, life, keys in
            let (archive, mirror) = (try #require(stage.ends["archive"]), try #require(stage.ends["mirror"]))
            archive.meddle(keys[1], nil)
            mirror.weather = .down(DeliveryError(.transient, "the mirror is away"))
            let error = await #expect(throws: ControlError.self) { _ = try await life.replayed("a") }
            #expect(error?.code == .backendError)
            mirror.weather = .fair
            #expect(try await life.replayed("a") == stage.source("a.jsonl"))
        }
    }

    /// One byte of the only file in the spool is not what it was.
    private static func flipSpooled(_ stage: Stage) throws {
        let path = try #require(try Tree.files(stage.scratch("state/spool")).first)
        let file = stage.scratch("state/spool/\(path)")
        var bytes = try Files.readAll(file)
        bytes[bytes.count - 5] ^= 1
        try Files.writeDurably(bytes, to: file)
    }

    @Test("are put from the spool only when they are whole there: else from a store that has one")
    func damagedInSpool() throws {
        let stage = try Stage(ends: ["archive", "mirror"])
        let (archive, mirror) = (try #require(stage.ends["archive"]), try #require(stage.ends["mirror"]))
        try stage.live { life in
            await life.settle()
            mirror.weather = .down(DeliveryError(.transient, "the mirror is away"))
            try stage.append(Self.lines(1...2), to: "a.jsonl", life)
            await life.settle()
            try Self.flipSpooled(stage)
            mirror.weather = .fair
            try await stage.pass(.seconds(120))
            #expect(try mirror.content("a") == stage.source("a.jsonl"))
            #expect(try archive.content("a") == stage.source("a.jsonl"))
        }
    }

    @Test(
        "that are damaged in the spool and nowhere else are set aside, and their lines are cut again",
        arguments: [false, true])
    func damagedAlone(_ isGone: Bool) throws {
        let stage = try Stage()
        try stage.live { life in
            await life.settle()
            stage.end.weather = .down(DeliveryError(.transient, "the store is away"))
            try stage.append(Self.lines(1...2), to: "a.jsonl", life)
            await life.settle()
            try Self.flipSpooled(stage)
            try stage.append(Self.lines(3...4), to: "a.jsonl", life)
            await life.settle()
            if isGone {
                try Files.unlink(stage.scratch("home/a.jsonl"))
                life.watcher.rang("a.jsonl")
                await life.settle()
            }
            stage.end.weather = .fair
            try await stage.pass(.seconds(120))
            let kinds = life.board.snapshot().health.map(\.kind)
            #expect(kinds == (isGone ? ["lines_lost", "spool_file_refused"] : ["spool_file_refused"]))
            let manifest = try stage.end.manifest("a")
            #expect(manifest.gaps.count == (isGone ? 1 : 0))
            #expect(manifest.segments.map(\.seq) == (isGone ? [2] : [3]))
            #expect(try Tree.files(stage.scratch("state/spool")).allSatisfy { $0.hasPrefix(".refused/") })
        }
        if !isGone { #expect(try stage.end.content("a") == stage.source("a.jsonl")) }
    }

    @Test("that are damaged in the spool are cut again from a file that is open and has no name any more")
    func damagedAndUnlinked() throws {
        let stage = try Stage()
        let text = Self.lines(1...2) + "{\"torn\":"
        try stage.live { life in
            await life.settle()
            stage.end.weather = .down(DeliveryError(.transient, "the store is away"))
            try stage.append(text, to: "a.jsonl", life)
            await life.settle()
            // Until nobody looks at the file any more.
            try await stage.pass(.seconds(1))
            try Self.flipSpooled(stage)
            // The pipeline holds it open for the end of its last line.
            try Files.unlink(stage.scratch("home/a.jsonl"))
            stage.end.weather = .fair
            await life.parts.delivery.retry()
            try await stage.pass(.seconds(300))
            #expect(Self.health(life).filter { !$0.hasPrefix("spool_file_refused") }.isEmpty)
        }
        #expect(try stage.end.content("a") == Array(text.utf8))
        #expect(try stage.end.manifest("a").gaps.isEmpty)
    }

    @Test("that are damaged in the spool, of a file that was written anew, are a gap, and what follows is listed")
    func damagedAndReplaced() throws {
        let stage = try Stage()
        try stage.live { life in
            await life.settle()
            stage.end.weather = .down(DeliveryError(.transient, "the store is away"))
            try stage.append(Self.lines(1...2), to: "a.jsonl", life)
            await life.settle()
            try Self.flipSpooled(stage)
            try Files.writeDurably(Array("{\"other\":true}\n".utf8), to: stage.scratch("home/a.jsonl"))
            life.watcher.rang("a.jsonl")
            await life.settle()
            stage.end.weather = .fair
            await life.parts.delivery.retry()
            try await stage.pass(.seconds(300))
            let kinds = life.board.snapshot().health.map(\.kind)
            #expect(kinds == ["lines_lost", "spool_file_refused"])
        }
        #expect(try stage.end.content("a", generation: 2) == Array("{\"other\":true}\n".utf8))
        #expect(try stage.end.manifest("a").gaps.count == 1)
    }

    @Test("that are gone from the only store are not safe, in the next life neither, until they are found again")
    func goneForGood() throws {
        let stage = try Stage {
            $0.segments.maxLines = 2
            $0.merge.enabled = false
        }
        try stage.live { life in
            try stage.append(Self.lines(1...6), to: "a.jsonl", life)
            await life.settle()
            try await stage.pass(.seconds(60))
            #expect(try await life.isSafe("a"))
        }
        let key = try #require(stage.end.keys.filter { $0.contains("/segments/") }.sorted().dropFirst().first)
        let taken = stage.end.objects[key]
        let entry = "object_missing store/a/main \(key.dropFirst("\(Stage.prefix)a/".count))"
        @Sendable func expectGone(_ life: Life) async throws {
            #expect(Self.health(life) == [entry])
            #expect(try await !life.isSafe("a"))
            #expect(await life.parts.faulty() == ["store"])
        }
        stage.end.meddle(key, nil)
        try stage.live { life in
            await life.settle()
            await #expect(throws: ControlError.self) { try await life.replayed("a") }
            try await expectGone(life)
        }
        try stage.live { life in
            await life.settle()
            try await expectGone(life)
            // A manifest that names it is taken up, and put, all the same.
            try stage.append(Self.lines(7...8), to: "a.jsonl", life)
            await life.settle()
            try await stage.pass(.seconds(60))
            #expect(try stage.end.manifest("a").segments.map(\.seq) == [1, 2, 3, 4])
            try await expectGone(life)
            stage.end.meddle(key, taken)
            #expect(try await life.replayed("a") == stage.source("a.jsonl"))
            #expect(Self.health(life).isEmpty)
            #expect(try await life.isSafe("a"))
        }
    }

    @Test("that are damaged are not copied to a destination that comes later")
    func copied() throws {
        try Self.stage { stage, life, keys in
            let record = try await life.segments("a")[0]
            let archive = try #require(stage.ends["archive"])
            try Self.flip(keys[0], in: archive)
            let stored = try #require(try await life.store.segments(of: life.key("a")).first)
            let found = try await life.parts.objects.bytes(of: stored.id, record, holders: stored.holders)
            #expect(throws: Never.self) { try SegmentOutline(record).requireWhole(found) }
        }
    }
}

extension Life {
    /// Whether every destination is said to have all of it.
    func isSafe(_ sid: String) async throws -> Bool {
        try await store.isHeld(key(sid).session, byAll: parts.objects.open.map(\.id))
    }

    func volume(_ sid: String, _ stream: String = "main", generation: Int? = nil, from: String? = nil) async throws
        -> Volume
    {
        let key = try key(sid, stream)
        return try await parts.replay.volume(of: key.session, key.stream, generation: generation, from: from)
    }

    /// What `replay` gives of a stream.
    func replayed(
        _ sid: String, _ stream: String = "main", lines: ClosedRange<Int>? = nil, generation: Int? = nil,
        from: String? = nil
    ) async throws -> [UInt8] {
        let volume = try await volume(sid, stream, generation: generation, from: from)
        var all: [UInt8] = []
        try await parts.replay.send(
            volume, lines: lines, again: { () throws(ControlError) in volume }
        ) { offset, bytes throws(ControlError) in
            if lines == nil { #expect(offset == Int64(all.count)) }
            all += bytes
        }
        return all
    }
}
