import Glibc
import LinuxSystem
import Segments
import Shared
import Store
import Testing

@Suite("Under load the store")
struct HotQueryTests {
    /// A manifest of `count` segments of 10 bytes each; cheap rows.
    private func manifest(_ sid: String, segments count: Int, cut source: Source) throws -> Manifest {
        let (segment, _) = try #require(try source.cut(nil, lines: 1))
        var manifest = Manifest(
            sid: sid, createdAt: "2026-01-02T03:04:05Z", updatedAt: "2026-01-02T03:04:05Z")
        var entry = ManifestSegment(segment.record)
        for index in 0..<count {
            entry.seq = index + 1
            entry.firstLine = index + 1
            entry.sourceOffset = Int64(index) * segment.record.sourceBytes
            manifest.segments.append(entry)
        }
        manifest.activeSeq = count + 1
        return manifest
    }

    @Test("finds the rows of every frequent statement by an index, among 20,000 segments of 200 sessions")
    func plans() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        let (near, far) = (StoreID("near"), StoreID("far"))
        try await store.use([near, far])
        let source = try Source("x", lines: 1)
        for index in 0..<200 {
            _ = try await store.takeUp(
                try manifest("ses_\(index)", segments: 100, cut: source), at: near, as: .own)
        }
        await store.close()
        let (hot, report) = try await scene.open()
        #expect(report.isUneventful)
        let atBoot = Set(try await hot.queryPlans().keys)
        let end = FarEnd("near")
        let live = try Source("live", lines: 9)
        try await hot.seal(live, lines: 3)
        _ = try await hot.cursor(ofRoot: live.info.root, relativePath: live.info.relativePath)
        _ = try await hot.evidence(of: live.key)
        try await hot.note(SessionFacts(agent: .codex), of: live.key.session)
        try await hot.deliver(to: end, most: 2)
        _ = try await hot.release(try #require(try await hot.seal(Source("one", lines: 1), lines: 1).first), for: near)
        try await hot.publish(to: end)
        try await hot.retire(try await hot.retirable(required: [near]))
        _ = try await hot.supersededDue(before: scene.time.wall, at: near)
        #expect(try await hot.mergeCandidates(limit: 3).count == 3)
        let parts = try await hot.mergeInput(of: live.key).segments
        _ = try await hot.sealMerged(try live.merged(parts), replacing: parts.map(\.id))
        try await hot.settleMerge(of: live.key, try await hot.mergeInput(of: live.key))
        _ = try await hot.describe(live.key.session)
        #expect(try await !hot.isHeld(live.key.session, byAll: [near, far]))
        let some = try await hot.sessions(after: SessionID("ses_100"), limit: 3)
        #expect(some.map(\.session.rawValue) == ["ses_101", "ses_102", "ses_103"])
        // What every session's first manifest of a life asks.
        let known = try manifest("ses_7", segments: 100, cut: source)
        #expect(try await hot.takeUp(known, at: near, as: .own).added == 0)
        let seventh = try #require(SessionID("ses_7"))
        #expect(try await hot.hasReceipts(of: seventh, at: near))
        let latest = try #require(parts.last).id
        #expect(try await !hot.come(to: SessionGoal(seventh, at: far, upTo: latest)).isReached)
        let wanted = try await hot.wantedManifests(at: far)
        _ = try await hot.firstUnlisted(of: wanted[...], at: far, besides: [])
        let plans = try await hot.queryPlans().filter { !atBoot.contains($0.key) }
        #expect(plans.count > 40)
        for (statement, plan) in plans {
            // `r` is the table of stores: a handful.
            let isCheap = { (step: String) in
                !step.hasPrefix("SCAN") || step.hasPrefix("SCAN r") || step == "SCAN CONSTANT ROW"
            }
            #expect(plan.allSatisfy(isCheap), "\(statement): \(plan)")
            // Rows come in the index's order; what is sorted is of one session or one stream.
            let isOfOne = ["t.session_id = ?1", "m.session_id = ?1", "s.stream_id = ?1"].contains {
                statement.contains($0)
            }
            #expect(isOfOne || !plan.contains { $0.contains("TEMP B-TREE") }, "\(statement): \(plan)")
        }
        await hot.close()
        let (again, _) = try await scene.open()
        let next = try await again.nextDeliveries(to: far, limit: 64)
        #expect(Set(next.map(\.record.stream.session)).count == 64)
        #expect(try await again.retirable(required: [near, far]).isEmpty)
        #expect(try await again.sessions().count == 202)
        #expect(try await again.backlog(at: far).segments == 20_002)
    }
}

/// Needs root: a file system of a few pages is mounted.
@Suite("On a full disk the store", .enabled(if: getuid() == 0, "mounting needs root"))
struct FullDiskTests {
    /// A small file system in memory, unmounted at the end.
    private final class SmallDisk {
        let path: String
        init(_ path: String, kibibytes: Int) throws {
            try Files.makeDirectories(path)
            self.path = path
            try #require(mount("none", path, "tmpfs", 0, "size=\(kibibytes)k") == 0)
        }
        deinit { umount2(path, Int32(MNT_DETACH)) }
    }

    private func big(_ lines: Int) throws -> Source {
        var source = try Source("ses_1", lines: 1)
        let line = Array("{\"n\":\"\(String(repeating: "x", count: 30_000))\"}\n".utf8)
        for _ in 0..<lines { source.generations[0] += line }
        return source
    }

    /// Does it again as long as there is no space: each failure makes some.
    private func persist(_ body: () async throws -> Void) async throws {
        for _ in 0..<5 {
            do {
                return try await body()
            } catch let error as StoreError where error.code == .noSpace {}
        }
        try await body()
    }

    @Test("stops sealing while there is room for receipts, so that the spool can be emptied")
    func fills() async throws {
        let scene = try Scene()
        let disk = try SmallDisk(scene.directory.path, kibibytes: 2_048)
        defer { withExtendedLifetime(disk) {} }
        let (store, _) = try await scene.open()
        let far = FarEnd("far")
        try await store.use([far.id])
        let source = try big(100)
        var failures = 0
        while let (segment, cursor) = try source.cut(try await store.cursor(of: source.key), lines: 1) {
            let before = try scene.spoolFiles
            do {
                _ = try await store.seal(segment, advancing: cursor, source: source.info)
            } catch {
                failures += 1
                try #require(failures < 100)
                #expect(error.code == .noSpace && error.isTransient && error.hint != nil, "\(error)")
                #expect(try scene.spoolFiles == before)
                try await persist { try await store.deliver(to: far) }
                try await persist { try await store.publish(to: far) }
                try await persist { try await store.retire(try await store.retirable(required: [far.id])) }
                #expect(try scene.spoolFiles.isEmpty)
            }
            try await expectWhole(store, source)
        }
        #expect(failures > 1)
        #expect(try await store.cursor(of: source.key)?.offset == Int64(source.bytes.count))
        await store.close()
    }

    @Test("takes back a seal whose commit found no room, and takes it when there is some")
    func commit() async throws {
        let scene = try Scene()
        let disk = try SmallDisk(scene.directory.path, kibibytes: 4_096)
        defer { withExtendedLifetime(disk) {} }
        let (store, _) = try await scene.open()
        let source = try big(6)
        let ballast = "\(disk.path)/ballast"
        try await store.seal(source, lines: 1, most: 2)
        let before = try scene.spoolFiles
        // Between the file and its row somebody takes all the room there is.
        scene.faults.set { point in
            guard point == .sealRenamed, let file = try? Descriptor.open(ballast, [.writeOnly, .create]) else { return }
            for size in [4096, 1] {
                let bytes = [UInt8](repeating: 1, count: size)
                while (try? bytes.withBytes { (buffer) throws(SystemError) in try file.writeAll(buffer) }) != nil {}
            }
        }
        for _ in 0..<3 {
            let error = await #expect(throws: StoreError.self) { try await store.seal(source, lines: 1) }
            #expect(error?.code == .noSpace, "\(String(describing: error))")
            try Files.unlink(ballast)
            #expect(try scene.spoolFiles == before)
            try await expectWhole(store, source)
        }
        scene.faults.set(nil)
        try await store.seal(source, lines: 1)
        try await expectWhole(store, source)
        await store.close()
        let (again, report) = try await scene.open()
        #expect(report.isUneventful)
        try await expectWhole(again, source)
        await again.close()
    }

    @Test("says that a read-only state directory is read-only")
    func readOnly() async throws {
        let scene = try Scene()
        let disk = try SmallDisk(scene.directory.path, kibibytes: 2_048)
        defer { withExtendedLifetime(disk) {} }
        let (store, _) = try await scene.open()
        let source = try Source("ses_1", lines: 3)
        try await store.seal(source, lines: 1, most: 1)
        await store.close()
        try #require(mount("none", disk.path, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), nil) == 0)
        let error = await #expect(throws: StoreError.self) { try await scene.open() }
        #expect(error?.code == .readOnly && error?.hint != nil, "\(String(describing: error))")
        try #require(mount("none", disk.path, "tmpfs", UInt(MS_REMOUNT), nil) == 0)
        let (again, report) = try await scene.open()
        #expect(report.isUneventful)
        try await expectWhole(again, source)
        await again.close()
    }
}
