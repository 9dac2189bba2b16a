import Configuration
import Digests
import Glibc
import LinuxSystem
import Redaction
import Segments
import Shared

/// Whole documents: the configuration, a store's manifest, the header of a spool file.
enum DocumentReaders {
    private static let folder: String = {
        var template = Array("/tmp/uploaderd-fuzz-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { preconditionFailure("no folder for files: \(errno)") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    static func configuration(_ bytes: UnsafeRawBufferPointer) {
        let path = "\(folder)/uploaderd.toml"
        do throws(SystemError) {
            let file = try Descriptor.open(path, [.writeOnly, .create, .truncate])
            try file.writeAll(bytes)
        } catch {
            preconditionFailure("\(error)")
        }
        let load = ConfigurationLoad.read(
            ConfigurationInput(
                arguments: ["--config", path], environment: ["HOME": folder], workingDirectory: folder, processID: 1,
                hostName: "fuzz", ruleCheck: RuleCheck.problems(of:)))
        guard case .refused(let problems) = load else { return }
        precondition(!problems.isEmpty, "refused for nothing")
        for problem in problems { precondition(!problem.message.isEmpty && problem.hint != nil, "\(problem)") }
    }

    /// What we read we can write, and then it says the same.
    static func manifest(_ bytes: UnsafeRawBufferPointer) {
        guard let manifest = try? JSONText.decode(Manifest.self, from: bytes) else { return }
        for entry in manifest.segments + manifest.streams.values.flatMap(\.segments) {
            let outline = SegmentOutline(entry, firstLine: 1)
            if outline.lines > 0 { _ = outline.parts(for: outline.firstLine...outline.lastLine) }
        }
        guard let text = try? JSONText.encode(manifest), let again = try? JSONText.decode(Manifest.self, from: text)
        else { preconditionFailure("a manifest that was read cannot be written") }
        precondition(again == manifest, "a manifest changes when it is written")
    }

    /// The header's JSON, with the length and the digest that it would have: else nothing came past those.
    static func spoolHeader(_ bytes: UnsafeRawBufferPointer) {
        let json = Array(bytes)
        var file = Array("UPSPOOL1".utf8)
        withUnsafeBytes(of: UInt32(json.count).littleEndian) { file.append(contentsOf: $0) }
        file += RunningDigest.digest(of: json).bytes.prefix(4) + json
        do throws(SegmentError) {
            let header = try SpoolHeader(from: file, of: "000001-0000.seg")
            let again = try SpoolHeader(from: try header.encoded(), of: "000001-0000.seg")
            precondition(again == header, "a header changes when it is written")
        } catch {
            precondition(!error.description.isEmpty)
        }
    }
}
