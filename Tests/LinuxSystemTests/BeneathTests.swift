import Glibc
import LinuxSystem
import Testing

/// The two ways to open a path beneath a directory must say the same of every path.
@Suite("Opening beneath a directory")
struct BeneathTests {
    /// What became of it, in a word.
    private enum Outcome: Equatable {
        case opened(FileKind)
        case escape, missing, other(Int32)
    }

    private func outcome(_ open: () throws(SystemError) -> Descriptor) -> Outcome {
        do throws(SystemError) {
            return .opened(try open().status().kind)
        } catch {
            return error.isEscape ? .escape : error.isNotFound ? .missing : .other(error.code)
        }
    }

    @Test(
        "follows no link and no way out, with openat2 and without",
        arguments: [
            ("file", [OpenFlags.readOnly], Outcome.opened(.regular)),
            ("a/b/file", [.readOnly], .opened(.regular)),
            ("a//b/./file", [.readOnly], .opened(.regular)),
            ("a/b", [.pathOnly, .directory], .opened(.directory)),
            ("file", [.pathOnly, .directory], .missing),
            ("file/x", [.readOnly], .missing),
            ("none", [.readOnly], .missing),
            ("a/none/file", [.pathOnly], .missing),
            ("link", [.readOnly], .escape),
            ("link", [.pathOnly], .escape),
            ("a/out/passwd", [.readOnly], .escape),
            ("a/in/file", [.pathOnly], .escape),
            ("a/in", [.pathOnly, .directory], .escape),
            ("a/in", [.readOnly, .directory], .escape),
            ("a/b/", [.readOnly, .directory], .opened(.directory)),
            (".", [.readOnly, .directory], .opened(.directory)),
            ("file", [.readOnly, .directory], .missing),
            ("../x", [.readOnly], .escape),
            ("/etc/passwd", [.readOnly], .escape),
            ("fifo", [.readOnly], .opened(.fifo)),
        ])
    private func paths(path: String, flags: [OpenFlags], expected: Outcome) throws {
        var template = Array("/tmp/beneath-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let base = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { remove(base) }
        for folder in ["a", "a/b"] { mkdir("\(base)/\(folder)", 0o700) }
        for file in ["file", "a/b/file"] { _ = try Descriptor.open("\(base)/\(file)", [.writeOnly, .create]) }
        symlink("\(base)/file", "\(base)/link")
        symlink("/etc", "\(base)/a/out")
        symlink("b", "\(base)/a/in")
        mkfifo("\(base)/fifo", 0o600)
        let root = try Descriptor.open(base, [.pathOnly, .directory])
        let flags = OpenFlags(flags)
        #expect(
            outcome { () throws(SystemError) in try Descriptor.open(beneath: root, path, flags) } == expected)
        #expect(
            outcome { () throws(SystemError) in try Descriptor.walk(beneath: root, path, flags) } == expected)
    }

    private func remove(_ base: String) {
        for name in ["a/in", "a/out", "a/b/file", "link", "fifo", "file"] { unlink("\(base)/\(name)") }
        for name in ["a/b", "a", ""] { rmdir("\(base)/\(name)") }
    }
}
