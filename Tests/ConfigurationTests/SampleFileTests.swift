import Configuration
import Glibc
import Shared
import Testing

@Suite("config/uploaderd.toml")
struct SampleFileTests {
    private func sample() throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let stream = try #require(fopen("/\(root)/config/uploaderd.toml", "r"))
        defer { fclose(stream) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, stream)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// Explanations begin with "# "; every other "#" is taken away.
    private func uncommented(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.hasPrefix("#") && !line.hasPrefix("# ") ? String(line.dropFirst()) : String(line)
        }.joined(separator: "\n")
    }

    private func comparable(_ loaded: LoadedConfiguration) -> UploaderConfiguration {
        var all = loaded.configuration
        for index in all.watch.indices { all.watch[index].isDefault = false }
        for index in all.destinations.indices { all.destinations[index].isDefault = false }
        return all
    }

    @Test("changes nothing as it is")
    func commented() throws {
        #expect(try Fixture(sample()).loaded().entries.allSatisfy { $0.origin == .default })
    }

    @Test("holds the defaults when everything is uncommented")
    func defaults() throws {
        let fixture = try Fixture()
        let defaults = try fixture.loaded()
        try fixture.write(uncommented(sample()))
        let written = try fixture.loaded()
        #expect(comparable(written) == comparable(defaults))
        #expect(written.file == fixture.file)
    }

    @Test("has every key that there is")
    func complete() throws {
        let fixture = try Fixture(uncommented(sample()))
        for entry in try fixture.loaded().entries where !entry.key.hasPrefix("directory.") {
            guard case .file(_, let line) = entry.origin else {
                Issue.record("\(entry.key) is not in the file")
                continue
            }
            #expect(line > 0)
        }
    }

    @Test("has the order in which effective values are shown")
    func order() throws {
        let sections = ["watch", "watching", "segments", "spool", "destination", "redaction", "privacy"]
        let shown = try Fixture().loaded().entries.map { String($0.key.prefix { $0 != "." && $0 != "[" }) }
        #expect(Array(sections.filter(shown.contains)) == sections)
        let firsts = sections.compactMap { shown.firstIndex(of: $0) }
        #expect(firsts == firsts.sorted())
        #expect(Set(try Fixture().loaded().entries.map(\.key)).count == shown.count)
    }

    @Test("a key that is written is where its value comes from")
    func lines() throws {
        let loaded = try Fixture("\n[segments]\nmax_lines = 7\n").loaded()
        #expect(loaded.origin("segments.max_lines") == "\(try #require(loaded.file)):3")
        #expect(loaded.shown("segments.max_lines") == "7")
        #expect(loaded.origin("segments.max_bytes") == "default")
        #expect(loaded.shown("segments.max_bytes") == "\"8MiB\"")
    }
}
