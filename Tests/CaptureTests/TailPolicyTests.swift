import Capture
import Shared
import Testing

@Suite("A tail policy")
struct TailPolicyTests {
    private func cursor(_ offset: Int64, partialEnd: Int64? = nil) throws -> StreamCursor {
        var cursor = StreamCursor(
            stream: StreamKey(session: try #require(SessionID("s")), stream: .main), offset: offset,
            file: FileIdentity(device: 1, inode: 2, birth: 3))
        cursor.partialEnd = partialEnd
        return cursor
    }

    @Test("starts a stream that nobody knows")
    func start() {
        #expect(TailPolicy.start(nil, size: 0, head: .unknown, tail: .unknown) == .start)
    }

    @Test("goes on where the bytes are the same")
    func resume() throws {
        let cursor = try cursor(100)
        #expect(TailPolicy.start(cursor, size: 101, head: .matches, tail: .matches) == .resume)
        #expect(TailPolicy.start(cursor, size: 100, head: .matches, tail: .matches) == .idle)
    }

    @Test("begins a generation when the file shrank, or holds other bytes")
    func generations() throws {
        let cursor = try cursor(100)
        #expect(
            TailPolicy.start(cursor, size: 99, head: .matches, tail: .matches) == .newGeneration(.truncated))
        #expect(TailPolicy.start(cursor, size: 500, head: .differs, tail: .matches) == .newGeneration(.replaced))
        #expect(TailPolicy.start(cursor, size: 500, head: .matches, tail: .differs) == .newGeneration(.rewritten))
        #expect(TailPolicy.start(cursor, size: 100, head: .differs, tail: .differs) == .newGeneration(.replaced))
    }

    @Test("asks for a check by digest when there are no marks, but not at the very beginning")
    func verify() throws {
        #expect(TailPolicy.start(try cursor(100), size: 500, head: .unknown, tail: .unknown) == .verify)
        #expect(TailPolicy.start(try cursor(0), size: 5, head: .unknown, tail: .unknown) == .resume)
        #expect(TailPolicy.start(try cursor(0), size: 0, head: .unknown, tail: .unknown) == .idle)
    }

    @Test("returns to the start of a partial line only when the source grew beyond it")
    func partial() throws {
        let cursor = try cursor(100, partialEnd: 120)
        #expect(TailPolicy.start(cursor, size: 120, head: .matches, tail: .matches) == .idle)
        #expect(TailPolicy.start(cursor, size: 121, head: .matches, tail: .matches) == .resume)
        #expect(TailPolicy.start(cursor, size: 110, head: .matches, tail: .matches) == .newGeneration(.truncated))
    }

    @Test("waits at the end of a file that is there, and ends one that is not when nobody writes to it")
    func ends() {
        let now = Instant(nanoseconds: 1_000)
        func atEnd(
            _ place: SourceObservation.Place, _ hasWriter: Bool?, links: Int = 1, since: Instant? = nil,
            isFlushed: Bool = false
        ) -> TailPolicy.AtEnd {
            TailPolicy.atEnd(
                place, links: links, hasWriter: hasWriter, lostSince: since, now: now, isFlushed: isFlushed)
        }
        #expect(atEnd(.same, true) == .wait)
        #expect(atEnd(.same, nil) == .wait)
        #expect(atEnd(.gone, false, links: 0) == .finish)
        #expect(atEnd(.replaced, false) == .finish)
        #expect(atEnd(.gone, true, links: 0) == .linger(until: now + TailPolicy.lingering))
        #expect(atEnd(.gone, nil) == .linger(until: now + TailPolicy.lingering))
        #expect(atEnd(.gone, true, since: Instant(nanoseconds: 1_000) + .seconds(-61)) == .finish)
        // What has its path waits for it: not long, and not at all where somebody asks.
        #expect(atEnd(.replaced, true, links: 0) == .linger(until: now + TailPolicy.lingeringBesideAnother))
        #expect(atEnd(.replaced, nil, since: Instant(nanoseconds: 1_000) + .seconds(-6)) == .finish)
        #expect(atEnd(.replaced, true, isFlushed: true) == .finish)
        #expect(atEnd(.gone, true, links: 0, isFlushed: true) == .linger(until: now + TailPolicy.lingering))
    }

    @Test("looks for a file that has a name when its last line may go on there, whoever writes to it")
    func search() {
        let now = Instant(nanoseconds: 1_000)
        for hasWriter in [true, false, nil] {
            func atEnd(_ place: SourceObservation.Place, links: Int) -> TailPolicy.AtEnd {
                TailPolicy.atEnd(
                    place, links: links, hasWriter: hasWriter, lostSince: now, now: now, hasUntaken: true)
            }
            #expect(atEnd(.gone, links: 1) == .search)
            #expect(atEnd(.replaced, links: 2) == .search)
            #expect(atEnd(.same, links: 1) == .wait)
            #expect(atEnd(.gone, links: 0) != .search)
        }
    }

    @Test("takes an unterminated line only when it will not go on")
    func partialLine() {
        func may(
            ended: Bool = false, writer: Bool? = false, gone: Bool = false, once: Bool = false, quiet: Duration = .zero
        ) -> Bool {
            TailPolicy.mayTakePartialLine(
                isEnded: ended, hasWriter: writer, isGone: gone, isOnce: once, quiet: quiet)
        }
        #expect(!may())
        #expect(may(ended: true))
        #expect(!may(ended: true, writer: true))
        #expect(!may(ended: true, writer: nil))
        #expect(may(writer: true, gone: true))
        #expect(!may(once: true, quiet: .seconds(59)))
        #expect(may(writer: true, once: true, quiet: .seconds(60)))
        #expect(!may(quiet: .seconds(3600)))
    }
}
