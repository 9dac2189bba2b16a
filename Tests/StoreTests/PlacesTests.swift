import Shared
import Store
import Testing

/// Which stream has which path, when files change names among them.
@Suite("The place of a stream's file")
struct PlacesTests {
    private let scene: Scene
    private let sources: [Source]

    init() throws {
        scene = try Scene()
        sources = try (1...3).map { try Source("ses_\($0)", lines: 4) }
    }

    private func open() async throws -> Store {
        let (store, _) = try await scene.open()
        for source in sources { try await store.seal(source, lines: 2) }
        return store
    }

    /// The streams at the places that the sources had at first.
    private func holders(_ store: Store) async throws -> [StreamKey?] {
        var holders: [StreamKey?] = []
        for place in sources.map(\.info) {
            holders.append(try await store.cursor(ofRoot: place.root, relativePath: place.relativePath)?.stream)
        }
        return holders
    }

    private func info(of source: Int, at place: Int) -> SourceInfo {
        var info = sources[source].info
        info.relativePath = sources[place].info.relativePath
        return info
    }

    @Test("is given up only to who says whose it is, and in exchange for the other's")
    func exchange() async throws {
        let store = try await open()
        let (one, two) = (sources[0], sources[1])
        let there = info(of: 0, at: 1)
        #expect(try await !store.move(one.key, from: one.info, to: there, inPlaceOf: nil))
        #expect(try await !store.move(one.key, from: one.info, to: there, inPlaceOf: sources[2].key))
        #expect(try await !store.move(one.key, from: there, to: there, inPlaceOf: two.key))
        #expect(try await holders(store) == sources.map(\.key))
        #expect(try await store.move(one.key, from: one.info, to: there, inPlaceOf: two.key))
        #expect(try await holders(store) == [two.key, one.key, sources[2].key])
        #expect(try await store.source(of: one.key) == there)
        #expect(try await store.source(of: two.key) == info(of: 1, at: 0))
        // Who saw the same from the other side comes too late, and changes nothing.
        #expect(try await !store.move(two.key, from: two.info, to: info(of: 1, at: 0), inPlaceOf: one.key))
        #expect(try await holders(store) == [two.key, one.key, sources[2].key])
        // A way back, and all of it was rows: the next life knows the same.
        await store.close()
        let (again, _) = try await scene.open()
        #expect(try await holders(again) == [two.key, one.key, sources[2].key])
        #expect(try await again.move(one.key, from: there, to: one.info, inPlaceOf: two.key))
        #expect(try await holders(again) == sources.map(\.key))
    }

    @Test("comes right when three exchange theirs in a circle, whoever is seen first", arguments: 0..<3)
    func circle(first: Int) async throws {
        let store = try await open()
        // The file of each lies at the next one's place.
        for step in 0..<3 {
            let place = (first + step) % 3
            let source = (place + 2) % 3
            let holder = try #require(try await holders(store)[place])
            guard holder != sources[source].key else { continue }
            let old = try #require(try await store.source(of: sources[source].key))
            #expect(
                try await store.move(
                    sources[source].key, from: old, to: info(of: source, at: place), inPlaceOf: holder))
        }
        #expect(try await holders(store) == [sources[2].key, sources[0].key, sources[1].key])
    }
}
