import LinuxSystem
import Segments
import Shared
import Store
import Synchronization
import TestSupport
import Testing

@Suite("Sealing into the store")
struct SealingTests {
    @Test("puts the segment in the spool and the cursor behind it, and a reopened store knows both")
    func seals() async throws {
        let scene = try Scene()
        let (store, report) = try await scene.open()
        #expect(report.fresh && !report.stateLost)
        let source = try Source("ses_1", lines: 100)
        #expect(try await store.cursor(of: source.key) == nil)
        let ids = try await store.seal(source, lines: 7)
        #expect(ids.count == 15)
        try await expectWhole(store, source)
        let cursor = try #require(try await store.cursor(of: source.key))
        #expect(cursor.offset == Int64(source.bytes.count))
        #expect(cursor.nextSeq == 16)
        #expect(try await store.source(of: source.key) == source.info)
        #expect(
            try await store.cursor(ofRoot: source.info.root, relativePath: source.info.relativePath) == cursor)
        let names = try scene.spoolFiles
        #expect(names.count == 15)
        #expect(names[0].hasPrefix("ses_1/main/000001-") && names[0].hasSuffix(".seg"))
        var size: Int64 = 0
        for name in names { size += try #require(try Files.status("\(scene.directory.spool)/\(name)")).size }
        #expect(store.spool.bytes == size)
        try await store.noteStoresRead()
        await store.close()

        let (again, second) = try await scene.open()
        #expect(second.isUneventful && !second.fresh)
        #expect(try await again.cursor(of: source.key) == cursor)
        #expect(try await again.evidence(of: source.key) == nil)
        #expect(again.spool.bytes == size)
        try await expectWhole(again, source)
    }

    @Test("makes files that only the user can read, in folders that only the user can enter")
    func modes() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        try await store.seal(Source("ses_1", "agents/a1", lines: 3), lines: 3)
        func check(_ folder: String) throws {
            #expect(try Files.status(folder)?.mode == 0o700, "\(folder)")
            for entry in try Files.list(folder) {
                let path = "\(folder)/\(entry.name)"
                let status = try #require(try Files.status(path))
                if status.kind == .directory { try check(path) } else { #expect(status.mode == 0o600, "\(path)") }
            }
        }
        try check(scene.directory.path)
    }

    @Test("shares one commit among segments that arrive together")
    func groups() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let commits = Mutex(0)
        scene.faults.set { if $0 == .sealCommitted { commits.withLock { $0 += 1 } } }
        let sources = try (1...60).map { try Source("ses_\($0)", lines: 4) }
        await withTaskGroup(of: Void.self) { group in
            for source in sources {
                group.addTask { await #expect(throws: Never.self) { try await store.seal(source, lines: 1) } }
            }
        }
        for source in sources { try await expectWhole(store, source) }
        #expect(try await store.sessions().count == 60)
        #expect(commits.withLock { $0 } < 240)
    }

    @Test("refuses what does not continue the cursor, and leaves nothing of it")
    func stale() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let source = try Source("ses_1", lines: 10)
        let (first, behindFirst) = try #require(try source.cut(nil, lines: 3))
        let (second, behindSecond) = try #require(try source.cut(behindFirst, lines: 3))
        await #expect(throws: StoreError.self) {
            try await store.seal(second, advancing: behindSecond, source: source.info)
        }
        _ = try await store.seal(first, advancing: behindFirst, source: source.info)
        for (segment, cursor) in [(first, behindFirst), (second, behindFirst)] {
            let error = await #expect(throws: StoreError.self) {
                try await store.seal(segment, advancing: cursor, source: source.info)
            }
            #expect(error?.code == .stale)
        }
        #expect(try scene.spoolFiles.count == 1)
        try await expectWhole(store, source)
        _ = try await store.seal(second, advancing: behindSecond, source: source.info)
        try await expectWhole(store, source)
    }

    @Test("refuses lines in the place of a partial one that is longer: they would be in no manifest")
    func besidePartial() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let before = Source.lines(1...3, of: "ses_1")
        let torn = try Source("ses_1", bytes: before + [UInt8](repeating: 0x61, count: 200))
        try await store.seal(torn, lines: 3)
        try await store.seal(torn, lines: 1)
        let other = try Source("ses_1", bytes: before + Source.lines(4...5, of: "ses_1"))
        let taken = try #require(try await store.cursor(of: other.key))
        #expect(taken.partialEnd == Int64(torn.bytes.count))
        let (segment, cursor) = try #require(try other.cut(taken, lines: 2))
        let error = await #expect(throws: StoreError.self) {
            try await store.seal(segment, advancing: cursor, source: other.info)
        }
        #expect(error?.code == .stale)
        #expect(try await store.cursor(of: other.key) == taken)
    }

    @Test("takes the place of a file that a failed seal left under the same name")
    func leftover() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let source = try Source("ses_1", lines: 4)
        let (segment, cursor) = try #require(try source.cut(nil, lines: 2))
        let name = "000001-\(segment.record.objectChecksum.hex.prefix(16)).seg"
        try Files.makeDirectories("\(scene.directory.spool)/ses_1/main")
        try Files.writeDurably([1, 2, 3], to: "\(scene.directory.spool)/ses_1/main/\(name)")
        _ = try await store.seal(segment, advancing: cursor, source: source.info)
        try await store.seal(source, lines: 2)
        try await expectWhole(store, source)
        #expect(try scene.spoolFiles.count == 2)
    }

    @Test("what cannot be placed in the spool is refused alone, and the others of its batch are taken")
    func blocked() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        try Files.writeDurably([1], to: "\(scene.directory.spool)/ses_1")
        let sources = try (1...8).map { try Source("ses_\($0)", lines: 2) }
        let errors = await withTaskGroup(of: StoreError?.self) { group in
            for source in sources {
                group.addTask {
                    do {
                        try await store.seal(source, lines: 2)
                        return nil
                    } catch {
                        return error as? StoreError
                    }
                }
            }
            return await group.reduce(into: [StoreError]()) { if let error = $1 { $0.append(error) } }
        }
        #expect(errors.map(\.code) == [.io])
        for source in sources.dropFirst() { try await expectWhole(store, source) }
        #expect(try scene.spoolFiles.count == 8)
        try Files.unlink("\(scene.directory.spool)/ses_1")
        try await store.seal(sources[0], lines: 2)
        try await expectWhole(store, sources[0])
    }

    @Test("makes its folders again when somebody removed them")
    func removedFolder() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let source = try Source("ses_1", lines: 4)
        try await store.seal(source, lines: 2, most: 1)
        Tree.remove("\(scene.directory.spool)/ses_1")
        await #expect(throws: StoreError.self) { try await store.seal(source, lines: 2) }
        try await store.seal(source, lines: 2)
        #expect(try scene.spoolFiles.count == 1)
        await store.close()
        let (again, report) = try await scene.open()
        #expect(report.missing.count == 1)
        try await again.seal(source, lines: 4)
        try await expectWhole(again, source)
    }

    @Test("two that were cut at the same place: one is taken, the other is told")
    func racers() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let source = try Source("ses_1", lines: 10)
        let (short, behindShort) = try #require(try source.cut(nil, lines: 3))
        let (long, behindLong) = try #require(try source.cut(nil, lines: 5))
        let done = await withTaskGroup(of: Bool.self) { group in
            for (segment, cursor) in [(short, behindShort), (long, behindLong)] {
                group.addTask {
                    do {
                        _ = try await store.seal(segment, advancing: cursor, source: source.info)
                        return true
                    } catch {
                        return false
                    }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(done == 1)
        #expect(try scene.spoolFiles.count == 1)
        try await expectWhole(store, source)
    }

    @Test("a partial line is replaced by the whole one, in one step")
    func partial() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        var source = try Source("ses_1", bytes: Source.lines(1...3, of: "x") + Array("{\"n\":4".utf8))
        try await store.seal(source, lines: 3)
        let cursor = try #require(try await store.cursor(of: source.key))
        #expect(cursor.partialEnd == Int64(source.bytes.count))
        #expect(cursor.line == 3 && cursor.nextSeq == 3)
        try await expectWhole(store, source)
        #expect(try await store.seal(source, lines: 3).isEmpty)
        source.generations[0] += Array(",\"of\":\"x\"}\n".utf8) + Source.lines(5...6, of: "x")
        try await store.seal(source, lines: 2)
        try await expectWhole(store, source)
        let segments = try await store.segments(of: source.key)
        #expect(segments.map(\.record.seq) == [1, 3, 4])
        #expect(segments.allSatisfy { !$0.record.partial })
        #expect(try scene.spoolFiles.count == 3)
    }

    @Test("a new generation begins at its first byte and goes on with the numbers")
    func generations() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        var source = try Source("ses_1", lines: 5)
        try await store.seal(source, lines: 2)
        source.generations.append(Source.lines(100...103, of: "again"))
        try await store.seal(source, lines: 3)
        try await expectWhole(store, source)
        #expect(try await store.segments(of: source.key, generation: 2).map(\.record.seq) == [4, 5])
        let cursor = try #require(try await store.cursor(of: source.key))
        #expect(cursor.generation == 2 && cursor.line == 4)
    }

    @Test("keeps hostile names inside the spool")
    func names() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        for sid in ["../../x", ".refused", ".tmp-1", "a/b", "x.stores", "x", String(repeating: "ö", count: 250)] {
            let source = try Source(sid, "agents/..", lines: 3)
            try await store.seal(source, lines: 2)
            try await expectWhole(store, source)
        }
        await store.close()
        let (again, report) = try await scene.open()
        #expect(report.isUneventful)
        #expect(try await again.sessions().count == 7)
        #expect(try Files.list(scene.folder.path).map(\.name) == ["state"])
    }

    @Test("takes over a line that was streamed into a temporary, however long its header is")
    func streamed() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        for (sid, prefix) in [("ses_1", ""), ("ses_2", String(repeating: "p", count: 200_000))] {
            let body = "\"x\":\"\(String(repeating: "y", count: 3_000_000))\""
            let text = "{\"type\":\"compacted\",\"payload\":{\"label\":\"\(prefix)\"},\(body)}\n"
            var source = try Source(sid, bytes: Array(text.utf8))
            source.info.relativePath = String(repeating: "d/", count: 200 + prefix.utf8.count / 2)
            let file = FileIdentity(device: 1, inode: 2, birth: 3)
            let cursor = StreamCursor(stream: source.key, file: file)
            let segment = try source.streamed(try await store.makeSpoolTemporary(), at: cursor)
            var next = try #require(try source.cut(cursor, lines: 1)?.1)
            next.chainState = segment.chainState
            _ = try await store.seal(segment, advancing: next, source: source.info)
            try await expectWhole(store, source)
        }
        let unused = try await store.makeSpoolTemporary().id
        #expect(try scene.spoolFiles.contains { $0.hasPrefix(".tmp-") })
        try await store.discard(unused)
        #expect(try scene.spoolFiles.count == 2)
        await store.close()
        try Files.unlink(scene.directory.catalog)
        let (again, report) = try await scene.open()
        #expect(report.adopted.count == 2 && report.refused.isEmpty)
        #expect(try await again.sessions().count == 2)
    }
}
