import LinuxSystem
import Shared
import TestSupport
import Testing

@testable import Store

/// A disk, or another program, has changed bytes of the catalog that make no less of a database of it.
@Suite("A catalog in which something has changed")
struct DamagedCatalogTests {
    /// Puts other bytes in the place of each occurrence of a text, or of the last one.
    private func change(_ text: String, to other: String, in path: String, onlyLast: Bool = false) throws {
        var bytes = try Files.readAll(path)
        let (old, new) = (Array(text.utf8), Array(other.utf8))
        let places = bytes.indices.dropLast(old.count).filter { bytes[$0..<($0 + old.count)].elementsEqual(old) }
        try #require(!places.isEmpty && old.count == new.count)
        for place in onlyLast ? places.suffix(1) : places {
            bytes.replaceSubrange(place..<(place + old.count), with: new)
        }
        try Scene.rewrite(bytes, to: path)
    }

    private func expectRebuilt(_ scene: Scene, _ source: Source, _ far: FarEnd) async throws {
        let (store, report) = try await scene.open()
        #expect(report.stateLost && report.missing.isEmpty)
        #expect(scene.log.kinds.contains(.catalogSetAside))
        #expect(try Files.status(scene.directory.damage) == nil)
        try await store.use([far.id])
        try await store.seal(source, lines: 1)
        try await store.deliver(to: far)
        try await store.publish(to: far)
        #expect(try far.content() == source.bytes)
        await store.close()
        // Once is enough.
        let count = scene.log.kinds.count { $0 == .catalogSetAside }
        let (again, next) = try await scene.open()
        #expect(!next.stateLost && scene.log.kinds.count { $0 == .catalogSetAside } == count)
        await again.close()
    }

    @Test("is set aside when its rows say what cannot be")
    func impossibleRow() async throws {
        let scene = try Scene()
        let (source, far) = try await scene.lived()
        let digest = try #require(far.manifest?.segments.last?.checksum)
        try change(digest.hex, to: "#" + digest.hex.dropFirst(), in: scene.directory.catalog)
        try await expectRebuilt(scene, source, far)
    }

    @Test("is set aside at the next start when its rows turn out to say what cannot be")
    func laterFound() async throws {
        let scene = try Scene()
        let (source, far) = try await scene.lived()
        let (store, report) = try await scene.open()
        #expect(!report.stateLost)
        try await store.damage()
        let error = await #expect(throws: StoreError.self) { try await store.segments(of: source.key) }
        #expect(error?.code == .corrupt)
        _ = await #expect(throws: StoreError.self) { try await store.segments(of: source.key) }
        #expect(scene.log.kinds.count { $0 == .catalogDamaged } == 1)
        #expect(try Files.status(scene.directory.damage) != nil)
        await store.close()
        try await expectRebuilt(scene, source, far)
    }

    @Test(
        "is set aside when a value of a segment's row is another possible one than was written",
        arguments: [
            "generation", "seq", "first_line", "lines", "source_offset", "source_bytes", "bytes", "stored_bytes",
            "partial",
            "first_ts",
        ])
    func otherValue(_ column: String) async throws {
        let scene = try Scene()
        let (source, far) = try await scene.lived()
        let (store, _) = try await scene.open()
        try await store.falsify("\(column) = ifnull(\(column), 0) + 1")
        let error = await #expect(throws: StoreError.self) { try await store.segments(of: source.key) }
        #expect(error?.code == .corrupt)
        await store.close()
        try await expectRebuilt(scene, source, far)
    }

    @Test(
        "is not believed when its rows contradict each other: no manifest is made of them",
        arguments: ["lines", "source_bytes"])
    func contradiction(_ column: String) async throws {
        let scene = try Scene()
        let (_, far) = try await scene.lived()
        let (store, _) = try await scene.open()
        let session = try #require(SessionID("ses_1"))
        #expect(try await store.manifestBasis(of: session, at: far.id).contradiction == nil)
        try await store.falsify("\(column) = \(column) + 1, row_check = NULL")
        #expect(try await store.manifestBasis(of: session, at: far.id).contradiction != nil)
    }

    @Test("is set aside when an index has not what its table has")
    func otherIndex() async throws {
        let scene = try Scene()
        let (source, far) = try await scene.lived()
        // Of the audit there is no index, so a row that names another session is none the less a row.
        do {
            let catalog = try Catalog(scene.directory.catalog)
            for statement in ["DELETE FROM audit", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"] {
                try catalog.run(statement)
            }
        }
        try change("ses_1", to: "ses_7", in: scene.directory.catalog, onlyLast: true)
        try await expectRebuilt(scene, source, far)
    }

    @Test("is not set aside for what an earlier catalog was found to be")
    func oldDamage() async throws {
        let scene = try Scene()
        let (source, far) = try await scene.lived()
        for suffix in ["", "-wal", "-shm"] { try Files.unlink(scene.directory.catalog + suffix) }
        _ = try Descriptor.open(scene.directory.damage, [.writeOnly, .create])
        let (store, _) = try await scene.open()
        #expect(try Files.status(scene.directory.damage) == nil)
        try await store.use([far.id])
        await store.close()
        let (again, report) = try await scene.open()
        #expect(!report.stateLost && !scene.log.kinds.contains(.catalogSetAside))
        #expect(try await again.cursor(of: source.key) != nil)
    }
}

extension Store {
    /// What a disk does, seen from above.
    fileprivate func damage() throws { try catalog().run("UPDATE segments SET checksum = '#' || substr(checksum, 2)") }

    fileprivate func falsify(_ assignment: String) throws {
        try catalog().run("UPDATE segments SET \(assignment) WHERE id = (SELECT min(id) FROM segments)")
    }
}
