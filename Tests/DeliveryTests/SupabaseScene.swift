import Delivery
import Glibc
import LinuxSystem
import Shared
import TestSupport
import Testing

/// The double of Supabase Storage that the end-to-end tests use, as a process of its own.
final class SupabaseDouble: Sendable {
    /// Any Python 3 will do for it.
    static let python = getenv("UPLOADERD_TEST_PYTHON").map { String(cString: $0) }

    let url: String
    let key: String
    private let process: pid_t
    /// It ends when this is closed.
    private let input: Int32

    /// - Parameter options: `--list-v1`, `--small-pages`, `--whole`.
    init(_ options: [String]) throws {
        let tests = Files.parent(of: Files.parent(of: #filePath))
        let script = "\(tests)/EndToEnd/supabase_double.py"
        let words = [try #require(Self.python), "-B", script] + options
        var (to, from): ([Int32], [Int32]) = ([0, 0], [0, 0])
        try #require(pipe2(&to, O_CLOEXEC) == 0 && pipe2(&from, O_CLOEXEC) == 0)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, to[0], 0)
        posix_spawn_file_actions_adddup2(&actions, from[1], 1)
        let arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        let failure = posix_spawn(&process, words[0], &actions, nil, arguments, environ)
        close(to[0])
        close(from[1])
        self.process = process
        input = to[1]
        defer { close(from[0]) }
        try #require(failure == 0, "\(words[0]) did not start")
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(from[0], &byte, 1) == 1, byte != UInt8(ascii: "\n") { line.append(byte) }
        let said = try JSONText.decode([String: String].self, from: line)
        url = try #require(said["url"])
        key = try #require(said["key"])
    }

    deinit {
        close(input)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
    }
}

extension StoreUnderTest {
    /// A server as it is, one that gives small pages, an old one, and one that is asked to sign each upload.
    static let supabase: [StoreUnderTest] =
        SupabaseDouble.python == nil
        ? []
        : [([], false), (["--small-pages"], false), (["--list-v1", "--whole"], false), ([], true)].map {
            options, signs in
            StoreUnderTest(
                testDescription: "Supabase Storage \(options.joined(separator: " "))\(signs ? "signed" : "")",
                tellsFinalVersions: false
            ) {
                let (double, scene) = (try SupabaseDouble(options), try TransferScene())
                return (
                    scene.supabase(double.url, .given(Secret(double.key)), signsUploads: signs), (double, scene)
                )
            }
        }
}

extension TransferScene {
    func supabase(_ url: String, _ key: String, bucket: String = "sessions") -> SupabaseObjectStore {
        supabase(url, .given(Secret(key)), bucket: bucket)
    }

    func supabase(
        _ url: String, _ key: CredentialsSource, bucket: String = "sessions", signsUploads: Bool = false
    ) -> SupabaseObjectStore {
        SupabaseObjectStore(
            url: url, bucket: bucket, signsUploads: signsUploads, key: BearerKey(key, lane: files), client: client(),
            time: time,
            digestingOn: files
        )
    }
}
