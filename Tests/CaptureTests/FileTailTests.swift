import Capture
import Digests
import Glibc
import LinuxSystem
import Shared
import Testing

@Suite("A file tail")
struct FileTailTests {
    private let scratch: Scratch
    private let roots: RootDirectories
    private let key = MachineKey.derived(fromMachineID: "0123456789abcdef0123456789abcdef")

    init() throws {
        scratch = try Scratch()
        let inner = WatchRoot(agent: .generic, root: scratch["root"])
        roots = RootDirectories(of: [WatchRoot(agent: .generic, root: scratch.path), inner])
    }

    private func open(_ name: String) throws -> FileTail {
        try FileTail(scratch.source(name), in: roots, key: key)
    }

    private func read(_ tail: inout FileTail) throws -> (TailRead, String) {
        var buffer = [UInt8](repeating: 0, count: FileTail.chunk)
        let result = try buffer.withUnsafeMutableBytes { try tail.read(into: $0) }
        guard case .bytes(let count) = result else { return (result, "") }
        return (result, String(decoding: buffer[..<count], as: UTF8.self))
    }

    private func cursor(_ tail: borrowing FileTail) throws -> StreamCursor {
        StreamCursor(
            stream: StreamKey(session: try #require(SessionID("s")), stream: .main), offset: tail.offset,
            marks: tail.marker.marks(key), file: tail.identity)
    }

    /// Reads the file to its end, and says how a second tail would begin after `change`.
    private func start(_ text: String, after change: () throws -> Void) throws -> TailPolicy.Start {
        try scratch.write("a.jsonl", text)
        var tail = try open("a.jsonl")
        #expect(try tail.begin(at: nil) == .start)
        while case .bytes = try read(&tail).0 {}
        let cursor = try cursor(tail)
        try change()
        var next = try open("a.jsonl")
        return try next.begin(at: cursor)
    }

    @Test("reads what is there, then what is appended, and nothing twice")
    func reads() throws {
        try scratch.write("a.jsonl", "one\n")
        var tail = try open("a.jsonl")
        #expect(try tail.begin(at: nil) == .start)
        #expect(try read(&tail) == (.bytes(4), "one\n"))
        #expect(try read(&tail) == (.atEnd, ""))
        try scratch.append("a.jsonl", "two\n")
        #expect(try read(&tail) == (.bytes(4), "two\n"))
        #expect(tail.offset == 8)
    }

    @Test("takes at most 1 MiB at a time")
    func chunks() throws {
        try scratch.write("a.jsonl", String(repeating: "x", count: 3 << 20))
        var tail = try open("a.jsonl")
        var buffer = [UInt8](repeating: 0, count: 4 << 20)
        var counts: [TailRead] = []
        for _ in 0..<4 { counts.append(try buffer.withUnsafeMutableBytes { try tail.read(into: $0) }) }
        #expect(counts == [.bytes(1 << 20), .bytes(1 << 20), .bytes(1 << 20), .atEnd])
    }

    @Test("goes on at its cursor in another process's life", arguments: [1, 63, 64, 1000, 1023, 1024, 1025, 5000])
    func resumes(_ length: Int) throws {
        let text = String((0..<length).map { Character(Unicode.Scalar(UInt8(97 + $0 * 7 % 26))) })
        let idle = try start(text) {}
        #expect(idle == .idle)
        let resumed = try start(text) { try scratch.append("a.jsonl", "more\n") }
        #expect(resumed == .resume)
    }

    @Test("recognises the same content under another inode, as after a restored home or a decompression")
    func restored() throws {
        let text = String(repeating: "line\n", count: 500)
        let start = try start(text) {
            try scratch.write("copy", text + "more\n")
            try scratch.rename("copy", to: "a.jsonl")
        }
        #expect(start == .resume)
    }

    @Test("begins a generation when the content is another", arguments: [10, 1024, 4000])
    func generations(_ length: Int) throws {
        let text = String(repeating: "a", count: length)
        let shorter = try start(text) { try scratch.write("a.jsonl", String(text.dropLast())) }
        #expect(shorter == .newGeneration(.truncated))
        let other = try start(text) { try scratch.write("a.jsonl", "b" + text) }
        #expect(other == .newGeneration(.replaced))
        let sameSize = try start(text) { try scratch.write("a.jsonl", "b" + text.dropFirst()) }
        #expect(sameSize == .newGeneration(.replaced))
        guard length > 1024 else { return }
        let tail = try start(text) { try scratch.write("a.jsonl", text.dropLast() + "b" + "longer") }
        #expect(tail == .newGeneration(.rewritten))
    }

    @Test("checks the bytes before its place at every read")
    func mismatch() throws {
        try scratch.write("a.jsonl", "first\n")
        var tail = try open("a.jsonl")
        _ = try read(&tail)
        // The same inode, rewritten in place and longer.
        try scratch.write("a.jsonl", "other\nlines\n")
        #expect(try read(&tail).0 == .mismatch)
        #expect(tail.offset == 6)
        try scratch.write("a.jsonl", "fir")
        #expect(try read(&tail).0 == .shrunk)
        try scratch.write("a.jsonl", "first\nmore\n")
        #expect(try read(&tail).1 == "more\n")
    }

    @Test("needs a check by digest for a cursor without marks")
    func verify() throws {
        try scratch.write("a.jsonl", "first\nsecond\n")
        var tail = try open("a.jsonl")
        var cursor = try cursor(tail)
        cursor.offset = 6
        #expect(try tail.begin(at: cursor) == .verify)
        cursor.marks = try tail.marks(at: 6)
        #expect(try tail.begin(at: cursor) == .resume)
        #expect(try read(&tail).1 == "second\n")
    }

    @Test("makes the marks of a place from the bytes that were passed, not from those that are there now")
    func marks() throws {
        try scratch.write("a.jsonl", String(repeating: "x", count: 3000))
        var tail = try open("a.jsonl")
        var marker = tail.marker
        _ = try read(&tail)
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: 700)
        for _ in 0..<3 { line.withUnsafeBytes { marker.advance(over: $0) } }
        #expect(marker.offset == 2100)
        #expect(marker.marks(key) == (try tail.marks(at: 2100)))
        #expect(marker.marks(key).headLength == 1024)
        try scratch.write("a.jsonl", String(repeating: "y", count: 3000))
        #expect(marker.marks(key) != (try tail.marks(at: 2100)))
    }

    @Test("tells a file that grew, was replaced or was unlinked")
    func observations() throws {
        try scratch.write("a.jsonl", "one\n")
        let tail = try open("a.jsonl")
        #expect(try tail.observe().place == .same)
        try scratch.append("a.jsonl", "two\n")
        #expect(try tail.observe().size == 8)
        try scratch.rename("a.jsonl", to: "b.jsonl")
        #expect(try tail.observe().place == .gone)
        #expect(try tail.observe().links == 1)
        try scratch.write("a.jsonl", "new\n")
        #expect(try tail.observe().place == .replaced)
        try Files.unlink(scratch["b.jsonl"])
        let seen = try tail.observe()
        #expect(seen.links == 0)
        #expect(seen.place == .replaced)
    }

    @Test("has the digest of its beginning under which any earlier place in it is known")
    func heads() throws {
        let line = String(repeating: "x", count: 99) + "\n"
        let text = "short\n" + String(repeating: line, count: 30)
        try scratch.write("a.jsonl", text)
        for lines in [1, 5, 10, 11, 29] {
            try scratch.write("b.jsonl", "short\n" + String(repeating: line, count: lines))
            var taken = try open("b.jsonl")
            _ = try taken.begin(at: nil)
            while case .bytes = try read(&taken).0 {}
            let mark = try #require(taken.marker.marks(key).headMAC)
            let heads = try open("a.jsonl").heads()
            #expect(heads.contains(mark), "\(lines) lines")
            #expect(heads.count == 11 && (lines < 11 || heads.first == mark))
        }
        try scratch.write("b.jsonl", String(repeating: "y", count: 63) + "\n" + line)
        #expect(try open("b.jsonl").heads().count == 2)
        try scratch.write("b.jsonl", "short\nshort\nno end")
        #expect(try open("b.jsonl").heads().isEmpty)
    }

    @Test("reads an unlinked file to its end")
    func unlinked() throws {
        try scratch.write("a.jsonl", "one\n")
        var tail = try open("a.jsonl")
        try Files.unlink(scratch["a.jsonl"])
        #expect(try read(&tail).1 == "one\n")
        #expect(try tail.observe().place == .gone)
    }

    @Test("knows whether anybody writes")
    func writers() throws {
        try scratch.write("a.jsonl", "one\n")
        let tail = try open("a.jsonl")
        #expect(tail.hasWriter() == false)
        let writer = try Descriptor.open(scratch["a.jsonl"], [.writeOnly, .append])
        #expect(tail.hasWriter() == true)
        try writer.close()
        #expect(tail.hasWriter() == false)
    }

    // Counted from when all tests start: on a busy machine of two cores that is minutes before this one runs.
    @Test("opens regular files only, and wakes no FIFO's writer", .timeLimit(.minutes(10)))
    func refused() throws {
        try scratch.makeFIFO("f.jsonl")
        try scratch.makeDirectory("d.jsonl")
        try scratch.write("real.jsonl", "x\n")
        try scratch.link("l.jsonl", to: scratch["real.jsonl"])
        try scratch.makeDirectory("sub")
        try scratch.write("sub/a.jsonl", "x\n")
        try scratch.link("linked", to: scratch["sub"])
        try scratch.link("zero.jsonl", to: "/dev/zero")
        // Opening by O_PATH is no IN_OPEN; opening a FIFO or a device for reading is, and would already be an effect.
        let opened = try Inotify()
        let isOpened = InotifyMask(rawValue: UInt32(IN_OPEN))
        _ = try opened.add(try Descriptor.open(scratch.path, [.pathOnly]), isOpened)
        for name in ["f.jsonl", "d.jsonl", "l.jsonl", "linked/a.jsonl", "zero.jsonl", "../etc/passwd"] {
            #expect { _ = try open(name) } throws: { ($0 as? CaptureError)?.code == .refused }
        }
        _ = try opened.drain { event in
            if event.name?.hasSuffix(".jsonl") == true { Issue.record("opened \(event)") }
        }
        #expect { _ = try open("nothing.jsonl") } throws: { ($0 as? CaptureError)?.code == .missing }
    }

    @Test("stays beneath the root that was opened, even when its path is swapped for a link")
    func swapped() throws {
        try scratch.makeDirectory("root")
        try scratch.write("root/a.jsonl", "mine\n")
        try scratch.makeDirectory("elsewhere")
        try scratch.write("elsewhere/a.jsonl", "not mine\n")
        let path = scratch.source("a.jsonl", root: "root")
        _ = try FileTail(path, in: roots, key: key)
        try scratch.rename("root", to: "moved")
        try scratch.link("root", to: scratch["elsewhere"])
        var tail = try FileTail(path, in: roots, key: key)
        #expect(try read(&tail).1 == "mine\n")
    }

    @Test("opens nothing below a directory that is no watched root")
    func unwatched() throws {
        try scratch.makeDirectory("other")
        try scratch.write("other/a.jsonl", "not watched\n")
        let path = scratch.source("a.jsonl", root: "other")
        #expect { _ = try FileTail(path, in: roots, key: key) } throws: { ($0 as? CaptureError)?.code == .refused }
    }

    @Test("reads a file that came open, whatever its path leads to, and only if it is a regular one")
    func passed() throws {
        try scratch.makeDirectory("other")
        try scratch.write("other/a.jsonl", "passed\n")
        let path = scratch.source("a.jsonl", root: "other")
        let open = PassedSource(try Descriptor.open(scratch["other/a.jsonl"], [.readOnly]), as: path)
        let with = RootDirectories(roots, and: open)
        try scratch.write("other/b.jsonl", "another\n")
        try scratch.rename("other/b.jsonl", to: "other/a.jsonl")
        var tail = try FileTail(path, in: with, key: key)
        #expect(try read(&tail).1 == "passed\n")
        let seen = try tail.observe()
        #expect(seen.place == .same && seen.links == 1)
        // Beside it the roots are as they were.
        try scratch.write("b.jsonl", "watched\n")
        var watched = try FileTail(scratch.source("b.jsonl"), in: with, key: key)
        #expect(try read(&watched).1 == "watched\n")
        let pipe = try Descriptor.pipe()
        let none = RootDirectories(roots, and: PassedSource(try pipe.reading.duplicate(), as: path))
        #expect { _ = try FileTail(path, in: none, key: key) } throws: { ($0 as? CaptureError)?.code == .refused }
    }
}
