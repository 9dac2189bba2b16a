import Glibc
import LinuxSystem
import Segments
import Shared
import Store
import TestSupport
import Testing

/// What a start finds in the spool that no row tells of.
@Suite("A file that a start finds in the spool")
struct FoundFilesTests {
    @Test("sets aside what is no segment of ours, and goes on")
    func foreign() async throws {
        let scene = try Scene()
        let (source, _) = try await scene.lived()
        let spool = scene.directory.spool
        let names = try scene.spoolFiles
        let good = try Files.readAll("\(spool)/\(names[3])")
        try Scene.rewrite(Array(good.dropLast()), to: "\(spool)/ses_1/main/000009-0123456789abcdef.seg")
        try Scene.rewrite(Array("nothing".utf8), to: "\(spool)/ses_1/main/000010-0123456789abcdef.seg")
        try Scene.rewrite([], to: "\(spool)/ses_1/main/000011-0123456789abcdef.seg")
        try Scene.rewrite(good, to: "\(spool)/elsewhere.seg")
        try Scene.rewrite(good, to: "\(spool)/ses_1/notes.txt")
        try Scene.rewrite(good, to: "\(spool)/.tmp-1234")
        var torn = good
        torn[good.count - 1] ^= 1
        try Files.unlink("\(spool)/\(names[3])")
        try Scene.rewrite(torn, to: "\(spool)/\(names[3]).seg")
        try #require(symlinked("/etc/passwd", "\(spool)/ses_1/main/000012-0123456789abcdef.seg"))
        try Scene.rewrite(Array("{".utf8), to: "\(scene.directory.manifests)/ses_9.json")
        let (store, report) = try await scene.open()
        #expect(report.refused.count == 8, "\(report.refused)")
        #expect(report.temporariesDeleted == 1)
        #expect(report.missing.count == 1)
        #expect(try Files.list(scene.directory.refused).count == 7)
        #expect(try scene.spoolFiles.count == 3)
        try await store.seal(source, lines: 5)
        try await expectWhole(store, source)
    }

    /// It would be put over the good one in a store. A FIFO would wait for who writes into it.
    @Test("a local manifest is not believed without the list of what it was", arguments: ["none", "torn", "FIFO"])
    func listOfManifest(state: String) async throws {
        let scene = try Scene()
        let (source, far) = try await scene.lived()
        let path = scene.directory.storesOfManifest(of: source.key.session)
        let list = try Files.readAll(path)
        try Files.unlink(path)
        if state == "torn" { try Scene.rewrite(Array(list.dropLast(9)), to: path) }
        if state == "FIFO" { try #require(mkfifo(path, 0o600) == 0) }
        try Files.unlink(scene.directory.catalog)
        let (store, report) = try await scene.open()
        #expect(report.takenUp == 0 && report.refused.count == 1)
        // The store has what it said.
        try await store.use([far.id])
        _ = try await store.takeUp(try #require(far.manifest), at: far.id, as: .own)
        try await expectWhole(store, source)
    }

    @Test("a local manifest that is not as it was written is not believed, one that a crash left behind its list is")
    func changedManifest() async throws {
        let scene = try Scene()
        let (source, _) = try await scene.lived()
        let path = scene.directory.manifest(of: source.key.session)
        let kept = try Files.readAll(path)
        let lists = scene.directory.storesOfManifest(of: source.key.session)
        let list = String(decoding: try Files.readAll(lists), as: UTF8.self)
        let ahead = list.replacing(
            "\"manifests\":[", with: "\"manifests\":[\"sha256:\(String(repeating: "0", count: 64))\",")
        try #require(ahead != list)
        for (bytes, text, isBelieved) in [
            (String(decoding: kept, as: UTF8.self).replacing("\"cut\"", with: "\"6ut\""), list, false),
            (String(decoding: kept, as: UTF8.self), ahead, true),
        ] {
            try Files.unlink(scene.directory.catalog)
            try Scene.rewrite(Array(bytes.utf8), to: path)
            try Scene.rewrite(Array(text.utf8), to: lists)
            let (store, report) = try await scene.open()
            #expect((report.takenUp > 0) == isBelieved)
            #expect(report.refused.map(\.path) == (isBelieved ? [] : [path]))
            await store.close()
        }
    }

    @Test("a file whose bytes rows have is deleted, one that is damaged is not believed")
    func coveredAndDamaged() async throws {
        let scene = try Scene()
        let (source, _) = try await scene.lived()
        // The last three lines once more, cut otherwise: what a seal left whose commit failed.
        let other = try Scene("other", in: scene.folder)
        let (store, _) = try await other.open()
        try await store.seal(source, lines: 8, most: 1)
        try await store.seal(source, lines: 3, most: 1)
        await store.close()
        let names = try other.spoolFiles
        let left = "\(scene.directory.spool)/\(names[1])"
        try Files.writeDurably(try Files.readAll("\(other.directory.spool)/\(names[1])"), to: left)
        let (again, report) = try await scene.open()
        #expect(report.coveredDeleted == 1 && report.adopted.isEmpty && report.refused.isEmpty, "\(report)")
        try await expectWhole(again, source)
        await again.close()
        #expect(try Files.status(left) == nil)

        let last = "\(scene.directory.spool)/\(try scene.spoolFiles[3])"
        var bytes = try Files.readAll(last)
        bytes[bytes.count - 3] ^= 1
        try Scene.rewrite(bytes, to: last)
        try Files.unlink(scene.directory.catalog)
        let (third, second) = try await scene.open()
        #expect(second.refused.map(\.path) == [last])
        try await third.seal(source, lines: 2)
        try await expectWhole(third, source)
    }

    @Test("a file that a failed seal left is not believed beside the row that has its number")
    func numberGivenAgain() async throws {
        let scene = try Scene()
        let source = try Source("ses_1", lines: 20)
        let (store, _) = try await scene.open()
        try await store.seal(source, lines: 5, most: 1)
        await store.close()
        let other = try Scene("other", in: scene.folder)
        let (failed, _) = try await other.open()
        try await failed.seal(source, lines: 8, most: 1)
        await failed.close()
        let name = try other.spoolFiles[0]
        let left = try Files.readAll("\(other.directory.spool)/\(name)")
        try Files.writeDurably(left, to: "\(scene.directory.spool)/\(name)")
        let (again, report) = try await scene.open()
        #expect(report.adopted.isEmpty && report.refused.count == 1, "\(report)")
        try await again.seal(source, lines: 5)
        try await expectWhole(again, source)
    }

    @Test("a file of other lines than those known of its range is set aside, not deleted")
    func otherLines() async throws {
        let scene = try Scene()
        let (store, _) = try await scene.open()
        try await store.seal(try Source("ses_1", bytes: Array("{\"n\":1}\n".utf8)), lines: 1)
        await store.close()
        let other = try Scene("other", in: scene.folder)
        let (stranger, _) = try await other.open()
        try await stranger.seal(try Source("ses_1", bytes: Array("{\"n\":2}\n".utf8)), lines: 1)
        await stranger.close()
        let name = try #require(try other.spoolFiles.first)
        let strange = try Files.readAll("\(other.directory.spool)/\(name)")
        try Files.writeDurably(strange, to: "\(scene.directory.spool)/\(name)")
        let (again, report) = try await scene.open()
        #expect(report.adopted.isEmpty && report.coveredDeleted == 0 && report.refused.count == 1, "\(report)")
        let kept = try #require(report.refused.first).path
        #expect(try Files.readAll("\(scene.directory.refused)/\(Files.name(of: kept))") == strange)
        try await expectWhole(again, try Source("ses_1", bytes: Array("{\"n\":1}\n".utf8)))
    }
}
