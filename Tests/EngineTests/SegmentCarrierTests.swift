import Shared
import Store
import TestSupport
import Testing

@testable import Engine
@testable import Store

@Suite("A segment's carrier")
struct SegmentCarrierTests {
    private static let claims = "SELECT count(*) FROM copies WHERE state = 1"

    @Test("gives its claim back when the catalog cannot be asked between the object and its receipt")
    func unheard() throws {
        let stage = try Stage()
        try stage.live { life in
            try stage.append("{\"n\":1}\n", to: "a.jsonl", life)
            await life.settle()
            // So long is the object on its way.
            stage.end.weather.delay = .seconds(10) ... .seconds(10)
            try stage.append("{\"n\":2}\n", to: "a.jsonl", life)
            while try await life.store.number(Self.claims) == 0 { try await stage.pass(.seconds(1)) }
            try await life.store.run("ALTER TABLE sessions RENAME COLUMN writer TO other")
            let objects = stage.end.keys.count
            while stage.end.keys.count == objects { try await stage.pass(.seconds(1)) }
            try await stage.pass(.seconds(1))
            #expect(try await life.store.number(Self.claims) == 0)
            try await life.store.run("ALTER TABLE sessions RENAME COLUMN other TO writer")
            stage.end.weather = .fair
            try await stage.pass(.seconds(300))
            #expect(try Tree.files(stage.scratch("state/spool")).isEmpty)
        }
        #expect(try stage.end.content("a") == stage.source("a.jsonl"))
    }
}

extension Store {
    fileprivate func run(_ sql: String) throws { try catalog().run(sql) }
    fileprivate func number(_ sql: String) throws -> Int64 { try catalog().number(sql) }
}
