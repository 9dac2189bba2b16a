import Configuration
import Shared
import Testing

@Suite("Destinations")
struct DestinationTests {
    private static let s3 = "endpoint = \"https://s3.example\"\nbucket = \"b\"\ncredentials = \"%\"\n"

    @Test("are by default the store in the state directory")
    func local() throws {
        let fixture = try Fixture()
        let all = try fixture.loaded().configuration.destinations
        #expect(all == [.local(store: fixture.home + "/.local/state/uploaderd/store")])
        #expect(all.first?.isRequired == true)
    }

    @Test("lie neither in the state directory nor in the spool, wherever that is")
    func ours() throws {
        for (path, place) in [("/spool/x", "spool"), ("/state/x", "state directory"), ("/state/store", nil)] {
            let fixture = try Fixture("[[destination]]\npath = \"\(path)\"\n")
            let problems = fixture.problems(["--state-dir", "/state", "--spool-dir", "/spool"])
            let wanted = place.map { ["\(path)/sessions lies in the \($0), whose files are not a store's"] } ?? []
            #expect(problems.map(\.message) == wanted)
        }
    }

    @Test("of Supabase have a bucket that a project can have")
    func bucketOfSupabase() throws {
        for (length, problems) in [(100, 0), (101, 1)] {
            let bucket = String(repeating: "b", count: length)
            let fixture = try Fixture()
            try fixture.write(Array("key\n".utf8), to: fixture.home + "/key")
            try fixture.write(
                remote("supabase", "url = \"https://h\"\ncredentials = \"~/key\"\nbucket = \"\(bucket)\""))
            #expect(fixture.problems().map(\.key) == Array(repeating: "destination.far.bucket", count: problems))
        }
    }

    @Test("of a type that this version cannot deliver to are refused, and so is leaving without redaction")
    func unavailable() throws {
        for type in DestinationType.allCases where type != .directory {
            let place =
                ([.s3, .history].contains(type) ? "endpoint = \"https://h\"\nbucket = \"b\"" : "url = \"https://h\"")
                + (type == .presigned ? "" : "\ncredentials = \"~/key\"")
                // It needs one that keeps what it is sent.
                + ([.agnes, .history].contains(type) ? "\n[[destination]]\nname = \"disk\"" : "")
            let fixture = try Fixture()
            let key = fixture.home + "/key"
            try fixture.write(Array("id\nsecret\n".utf8.dropFirst(type.credentialLines == 2 ? 0 : 3)), to: key)
            try fixture.write(remote(type.rawValue, place))
            let problems = fixture.problems()
            let isAvailable = DestinationType.available.contains(type)
            let all = DestinationType.available.map(\.rawValue).joined(separator: ", ")
            let refusal = "destination type \"\(type.rawValue)\" is not available in this version; available: \(all)"
            #expect(problems.map(\.message) == (isAvailable ? [] : [refusal]))
            #expect(problems.allSatisfy { $0.line == 3 })
            // Without a rule the type is no longer all that speaks against it.
            for table in ["enabled = false", "default_rules = false"] {
                try fixture.write(
                    remote(type.rawValue, place) + "\n[redaction]\n\(table)\n")
                let problems = fixture.problems()
                #expect(problems.count == (isAvailable ? 1 : 2), "\(problems)")
                #expect(problems.last?.message.contains("secrets in sessions would leave this machine") == true)
                #expect(problems.last?.hint?.contains("--no-redaction") == true)
                #expect(fixture.problems(["--no-redaction"]).count == (isAvailable ? 0 : 1))
            }
            try fixture.write(remote(type.rawValue, place))
            let dry = try fixture.loaded(["--dry-run"]).configuration.destinations
            #expect(dry.map(\.type) == ([.agnes, .history].contains(type) ? [type, .directory] : [type]))
            #expect(dry.first?.credentials == (type == .presigned ? nil : .file(key, guarded: false)))
        }
    }

    @Test(
        "of type agnes need one that gives back what they are made of",
        arguments: [
            ("", 1), ("name = \"disk\"", 0), ("name = \"disk\"\nrequired = false", 1),
            ("type = \"presigned\"\nurl = \"https://h/p\"", 1),
            ("type = \"confab\"\nurl = \"https://h\"\ncredentials = \"~/key\"", 1),
        ])
    func agnes(_ other: String, _ problems: Int) throws {
        let fixture = try Fixture()
        try fixture.write(Array("key\n".utf8), to: fixture.home + "/key")
        let agnes = remote("agnes", "url = \"https://h\"\ncredentials = \"~/key\"")
        try fixture.write(other.isEmpty ? agnes : "\(agnes)\n[[destination]]\n\(other)\n")
        #expect(fixture.problems().map(\.key) == Array(repeating: "destination.far.type", count: problems))
        #expect(fixture.problems().allSatisfy { $0.message.contains("gives nothing back") && $0.hint != nil })
    }

    @Test("below a presigned URL take no credentials")
    func presignedCredentials() throws {
        let fixture = try Fixture()
        try fixture.write(Array("key\n".utf8), to: fixture.home + "/key")
        try fixture.write(remote("presigned", "url = \"https://h\"\ncredentials = \"~/key\""))
        #expect(
            fixture.problems().map(\.message) == [
                "a presigned URL carries its own permission: nothing else is shown there"
            ])
    }

    @Test("in a bucket may have any prefix that can be shown, and no dots for folders")
    func s3Prefix() throws {
        func prefix(_ text: String) throws -> [ConfigurationProblem] {
            let fixture = try Fixture()
            try fixture.write(Array("id\nsecret\n".utf8), to: fixture.home + "/key")
            try fixture.write(
                remote("s3", "endpoint = \"https://h\"\nbucket = \"b\"\nprefix = \(text)\ncredentials = \"~/key\""))
            return fixture.problems()
        }
        for good in ["\"\"", "\"host=a/b c+é\"", "\"~!*'()/%2e/\""] { #expect(try prefix(good).isEmpty) }
        for bad in ["\"/a\"", "\"a//b\"", "\"a/../b\"", "\".\"", "\"a\\tb\""] {
            #expect(try prefix(bad).first?.message.contains("is not a prefix") == true, "\(bad)")
        }
    }

    @Test("take keys from where AWS's tools have them, when they are told so")
    func awsCredentials() throws {
        func loaded(_ source: String, _ environment: [String: String] = [:]) throws -> (CredentialsSource?, String?) {
            let fixture = try Fixture()
            try fixture.write(
                remote("s3", "endpoint = \"https://h\"\nbucket = \"b\"\ncredentials = \"\(source)\""))
            fixture.environment.merge(environment) { $1 }
            if let problem = fixture.problems().first { return (nil, problem.message) }
            return (try fixture.loaded().configuration.destinations.first?.credentials, nil)
        }
        let keys = ["AWS_ACCESS_KEY_ID": "i", "AWS_SECRET_ACCESS_KEY": "s"]
        #expect(try loaded("environment:", keys).0 == .given(Secret("i\ns")))
        #expect(try loaded("environment:").1 == "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set")
        guard case .aws(.profile("work", let files)) = try loaded("profile:work").0 else {
            Issue.record("no profile")
            return
        }
        #expect(files.map { $0.hasSuffix("/.aws/credentials") || $0.hasSuffix("/.aws/config") } == [true, true])
        #expect(try loaded("instance:").0 == .aws(.instance))
        #expect(
            try loaded("container:", ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x"]).0
                == .aws(.container(url: "http://169.254.170.2/v2/x", token: nil, tokenFile: nil)))
        #expect(
            try loaded("container:", ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://far.example/x"]).1
                == "the credentials of far.example would come readable over the network")
        #expect(try loaded("profile:").1 == "it is neither a name nor an absolute path")
    }

    @Test("a directory needs no --no-redaction, any other type does")
    func redaction() {
        for type in DestinationType.allCases {
            #expect((type.refusalWithoutRules(noRedaction: false) == nil) == (type == .directory))
            #expect(type.refusalWithoutRules(noRedaction: true) == nil)
        }
    }

    @Test("take every key of their type")
    func everyKey() throws {
        let fixture = try Fixture()
        try fixture.write(Array("id\nsecret\n".utf8), to: fixture.home + "/key")
        try fixture.write(
            remote(
                "s3",
                """
                required = false
                endpoint = "http://127.0.0.1:9000"
                bucket = "b"
                prefix = "deep/er"
                region = "eu-west-1"
                path_style = false
                credentials = "~/key"
                concurrency = 3
                timeout = "5s"
                limit = "2MiB/s"
                ca_file = "/ca.pem"
                proxy = "http://proxy:3128"
                insecure = true
                history = false
                encryption = "none"
                recipients = []
                """) + "[[destination]]\n")
        let far = try #require(try fixture.loaded(["--dry-run"]).configuration.destinations.first)
        #expect(!far.isRequired)
        #expect(
            far.place
                == .s3(
                    BucketPlace(
                        endpoint: "http://127.0.0.1:9000", bucket: "b", prefix: "deep/er/", region: "eu-west-1",
                        pathStyle: false)))
        #expect(far.transport.concurrency == 3)
        #expect(far.transport.timeout == .seconds(5))
        #expect(far.transport.limit.bytesPerSecond == .mebi(2))
        #expect(far.transport.caFile == "/ca.pem")
        #expect(far.transport.proxy == "http://proxy:3128")
        #expect(far.transport.insecure)
    }

    @Test("are refused when none of them is required: nothing would have to be anywhere to be called safe")
    func noneRequired() throws {
        let optional = "[[destination]]\nname = \"a\"\npath = \"/a\"\nrequired = false\n"
        let fixture = try Fixture(optional)
        let problems = fixture.problems()
        #expect(problems.map(\.key) == ["destination.a.required"])
        #expect(problems.first?.line == 4)
        #expect(problems.first?.message == "no destination is required, so nothing would ever count as safe")
        try fixture.write(optional + "[[destination]]\nname = \"b\"\npath = \"/b\"\nrequired = false\n")
        #expect(fixture.problems().map(\.key) == ["destination.a.required"])
        try fixture.write(optional + "[[destination]]\nname = \"b\"\npath = \"/b\"\n")
        #expect(try fixture.loaded().configuration.destinations.map(\.isRequired) == [false, true])
    }

    @Test("hear of credentials that cannot be used, never of what is in them")
    func credentials() throws {
        let fixture = try Fixture()
        let key = fixture.home + "/key"
        func hear(_ credentials: String) throws -> String {
            try fixture.write(
                remote("confab", "url = \"https://h\"\ncredentials = \"\(credentials)\""))
            let problems = fixture.problems(["--dry-run"])
            #expect(problems.allSatisfy { $0.key == "destination.far.credentials" && $0.line == 5 && $0.hint != nil })
            return problems.map(\.message).joined(separator: "|")
        }
        #expect(try hear("~/key") == "there is no file \(key)")
        try fixture.write(Array("k3y".utf8), to: key, mode: 0o640)
        #expect(try hear("~/key") == "others may read \(key): its mode is 0640")
        try fixture.write(Array("two\nlines".utf8), to: key)
        #expect(try hear("~/key") == "\(key) does not hold what it should")
        #expect(try hear("~/.config") == "\(fixture.home)/.config is not a regular file")
        #expect(try hear("sk-live-s3cret") == "it names a file in $CREDENTIALS_DIRECTORY, which is not set")
        #expect(try hear("s3cret!") == "it is neither a name nor an absolute path")
        fixture.environment["CREDENTIALS_DIRECTORY"] = fixture.home
        try fixture.write(Array("k3y\n".utf8), to: key, mode: 0o440)
        #expect(try hear("key").isEmpty)
        #expect(
            try fixture.loaded(["--dry-run"]).configuration.destinations.first?.credentials == .file(key, guarded: true)
        )
    }

    @Test("of one type that a flag could mean twice are ambiguous")
    func ambiguous() throws {
        let one = remote("supabase", "url = \"https://a\"", name: "a")
        let other = remote("supabase", "url = \"https://b\"", name: "b")
        let fixture = try Fixture(one)
        #expect(
            try fixture.loaded(["--dry-run", "--supabase-url", "https://c", "--supabase-key", "k"]).configuration
                .destinations.map(\.place)
                == [.supabase(url: "https://c", bucket: "sessions", prefix: "sessions/", signsUploads: false)])
        try fixture.write(one + other)
        let problems = fixture.problems(["--dry-run", "--supabase-url", "https://c", "--supabase-key", "k"])
        #expect(problems.map(\.origin) == [.flag("--supabase-url"), .flag("--supabase-key")])
    }
}
