import Glibc
import Shared
import Testing

/// The compiler that built these tests, looking at a file that imports the package's modules.
///
/// Nothing about the place is assumed: the modules are beside the running test binary, the package's name is in the
/// build's own description, and the compiler belongs to the toolchain whose standard library is loaded.
struct SwiftCompiler {
    private let compiler: String
    private let build: String
    private let packageName: String
    private let cModules: String

    init(sourceFile: String = #filePath) throws {
        var path = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &path, path.count)
        let binary = String(decoding: path.prefix(max(length, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        build = SwiftCompiler.parent(of: binary)
        // SwiftPM writes the arguments of every compilation there: …,"-package-name","<name>",…
        let description = try SwiftCompiler.text(of: build + "/description.json")
        let after = try #require(description.split(separator: "\"-package-name\"", maxSplits: 1).dropFirst().first)
        packageName = String(try #require(after.split(separator: "\"", maxSplits: 2).dropFirst().first))
        let library = try #require(
            SwiftCompiler.text(of: "/proc/self/maps").split(separator: "\n").lazy
                .compactMap { $0.split(separator: " ").last }.first { $0.hasSuffix("/libswiftCore.so") })
        // <toolchain>/usr/lib/swift/linux/libswiftCore.so
        compiler = (0..<4).reduce(String(library)) { path, _ in SwiftCompiler.parent(of: path) } + "/bin/swiftc"
        cModules = (0..<3).reduce(sourceFile) { path, _ in SwiftCompiler.parent(of: path) } + "/Sources/Shared/C"
    }

    /// Compiles `source` as a file of this package that is in no room, through all checks of ownership.
    ///
    /// - Returns: `nil` when it is accepted, else what the compiler says.
    func refusal(of source: String) throws -> String? {
        var folder = Array("/tmp/swift-compiler-XXXXXX".utf8CString)
        try #require(mkdtemp(&folder) != nil)
        let place = String(decoding: folder.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let (file, log) = (place + "/forged.swift", place + "/log")
        defer {
            for path in [file, log] { unlink(path) }
            rmdir(place)
        }
        try SwiftCompiler.write(source, to: file)
        let maps = ["CCrypto", "CDeflate", "CZlib", "CZstd", "CVector", "CVectorscan", "CPCRE2"].flatMap {
            ["-Xcc", "-fmodule-map-file=\(cModules)/\($0)/module.modulemap"]
        }
        let status = try SwiftCompiler.run(
            [
                compiler, "-emit-sil", "-o", "/dev/null", "-swift-version", "6", "-package-name", packageName, "-I",
                build + "/Modules", "-Xcc", "-D_GNU_SOURCE", file,
            ] + maps, output: log)
        return status == 0 ? nil : try SwiftCompiler.text(of: log)
    }

    private static func parent(of path: String) -> String {
        String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }

    private static func text(of path: String) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        try #require(descriptor >= 0, "\(path) cannot be opened")
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &room, room.count)
            if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += room[..<count]
        }
    }

    private static func write(_ text: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0, "\(path) cannot be written")
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        try #require(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    }

    private static func run(_ arguments: [String], output: String) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var pointers = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var process: pid_t = 0
        let failure = posix_spawn(&process, arguments[0], &actions, nil, &pointers, environ)
        try #require(failure == 0, "\(arguments[0]) did not start")
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 { try #require(errno == EINTR) }
        return status
    }
}
