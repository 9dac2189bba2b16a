import Configuration
import Shared
import Testing

@Suite("A destination's encryption")
struct EncryptionTests {
    private static let one = AgeRecipient(point: [UInt8](repeating: 1, count: 32))
    private static let two = AgeRecipient(point: [UInt8](repeating: 2, count: 32))
    private static let secret = Bech32.text(of: [UInt8](repeating: 3, count: 32), kind: "age-secret-key-").uppercased()

    private func problems(_ lines: String, type: String = "directory") throws -> [ConfigurationProblem] {
        let place = type == "directory" ? "path = \"/a\"" : "url = \"https://h\""
        return try Fixture(remote(type, "\(place)\n\(lines)")).problems(["--dry-run"])
    }

    @Test("is for every recipient, of every kind of object store, and says whether it is read back")
    func loaded() throws {
        let fixture = try Fixture()
        let key = fixture.home + "/key"
        let lines = "encryption = \"age\"\nrecipients = [\"\(Self.one)\", \"\(Self.two)\"]\n"
        try fixture.write(remote("directory", "path = \"/a\"\n\(lines)"))
        let unread = try #require(try fixture.loaded().configuration.destinations.first)
        #expect(unread.encryption == EncryptionConfiguration(recipients: [Self.one, Self.two]))
        #expect(!unread.isReadable)
        try fixture.write(Array("# created\n\(Self.secret)\n".utf8), to: key)
        try fixture.write(
            remote("directory", "path = \"/a\"\n\(lines)identity = \"~/key\"")
                + remote(
                    "presigned", "url = \"https://h\"\n\(lines)", name: "far"
                ).replacing("name = \"far\"", with: "name = \"put\""))
        let all = try fixture.loaded().configuration.destinations
        #expect(all.first?.encryption?.identity == .file(key, guarded: false))
        #expect(all.map(\.isReadable) == [true, false])
        #expect(try fixture.loaded().shown("destination.far.identity") == "\"\(key)\"")
    }

    @Test("hears of each recipient that is none, never of a secret")
    func recipients() throws {
        let wrong = String(Self.one.text.dropLast()) + (Self.one.text.hasSuffix("q") ? "p" : "q")
        let texts = [
            wrong, "age1", Self.one.text.uppercased(), Self.secret, Self.secret.lowercased(), Self.two.text,
            "age1pq1x34nzsvr0", "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t",
            "ssh-ed25519 AAAA", Self.two.text,
        ]
        let list = texts.map { "\"\($0)\"" }.joined(separator: ", ")
        let problems = try problems("encryption = \"age\"\nrecipients = [\(list)]")
        #expect(
            problems.map { $0.message.split(separator: " ").prefix(2).joined(separator: " ") }
                == [1, 2, 3, 4, 5, 7, 8, 9, 10].map { "entry \($0)" })
        #expect(problems.allSatisfy { $0.key == "destination.far.recipients" && $0.line == 6 && $0.hint != nil })
        #expect(problems[0].message.contains("checksum") && problems[5].message.contains("kind"))
        #expect(problems[3].message.contains("secret key") && problems[4].message.contains("secret key"))
        for problem in problems {
            #expect(!"\(problem)\(problem.hint ?? "")".uppercased().contains(Self.secret.suffix(30)))
        }
    }

    @Test("is refused where nobody could read it, or where it would protect nothing")
    func refused() throws {
        let list = "recipients = [\"\(Self.one)\"]"
        func messages(_ lines: String, type: String = "directory") throws -> [String] {
            try problems(lines, type: type).map { "\($0.key): \($0.message)" }
        }
        #expect(
            try messages("encryption = \"age\"") == ["destination.far.recipients: there is nobody to encrypt to"])
        #expect(
            try messages(list) == ["destination.far.recipients: there are recipients, but nothing is encrypted"])
        #expect(try messages("encryption = \"gpg\"\n\(list)").first?.contains("none of none, age") == true)
        #expect(
            try messages("encryption = \"age\"\n\(list)\nidentity = \"/key\"", type: "presigned").contains {
                $0.hasPrefix("destination.far.identity: what is put with a presigned URL cannot be read back")
            })
        #expect(
            try messages("encryption = \"age\"\n\(list)\ncredentials = \"/key\"", type: "confab").contains {
                $0.contains("reads lines, and would get none")
            })
    }

    @Test("hears of an identity that cannot be used, never of what is in it")
    func identity() throws {
        let fixture = try Fixture()
        let key = fixture.home + "/key"
        func hear(_ identity: String) throws -> String {
            try fixture.write(
                remote(
                    "directory",
                    "path = \"/a\"\nencryption = \"age\"\nrecipients = [\"\(Self.one)\"]\nidentity = \"\(identity)\""))
            let problems = fixture.problems()
            #expect(problems.allSatisfy { $0.key == "destination.far.identity" && $0.line == 7 && $0.hint != nil })
            #expect(!problems.contains { "\($0)\($0.hint ?? "")".contains(Self.secret.suffix(30)) })
            return problems.map(\.message).joined(separator: "|")
        }
        #expect(try hear("~/key") == "there is no file \(key)")
        try fixture.write(Array("\(Self.secret)\n".utf8), to: key, mode: 0o640)
        #expect(try hear("~/key") == "others may read \(key): its mode is 0640")
        for text in ["\(Self.secret)x", "age-encryption.org/v1\n-> scrypt", "", "# nothing", Self.secret.lowercased()] {
            try fixture.write(Array(text.utf8), to: key)
            #expect(try hear("~/key") == "\(key) does not hold what it should")
        }
        #expect(try hear(Self.secret) == "it is the secret key itself")
        #expect(try hear("environment:") == "no identity comes from there")
        try fixture.write(Array("# created\n\n\(Self.secret)\n".utf8), to: key)
        #expect(try hear("~/key").isEmpty)
    }
}
