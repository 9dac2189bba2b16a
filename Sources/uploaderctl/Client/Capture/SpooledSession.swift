import Compression
package import LinuxSystem
package import Shared

/// The lines of a session that agent-uploader has spooled, one segment behind the other in a file without a name: it lies where the
/// segments lie, and is gone with its descriptor.
package final class SpooledSession {
    package let file: Descriptor
    /// In bytes.
    package private(set) var size: Int64 = 0
    /// Segments that were taken.
    package private(set) var segments = 0
    /// Why others were not, a sentence each.
    package private(set) var left: [String] = []
    /// As its first line tells.
    package private(set) var agent = Agent.generic

    private static let chunk = 256 << 10
    /// No segment of agent-uploader's is longer, in plain bytes; what is would fill the disk.
    private static let longestSegment: Int64 = 1 << 30

    /// Reads the segments in the order of their numbers, up to the first that is damaged: what comes behind that would be another
    /// session's than the agent wrote.
    package init(
        _ sid: SessionID, _ segments: [AgentUploaderSpool.Segment], in folder: String
    ) throws(ClientError) {
        file = try Self.unnamed(in: folder)
        var next = segments.first?.seq ?? 0
        for (index, segment) in segments.enumerated() {
            if segment.seq != next {
                let gone = next == segment.seq - 1 ? "segment \(next)" : "segments \(next) to \(segment.seq - 1)"
                left.append(
                    "\(gone) of session \(sid) are not in the spool: agent-uploader has sent them, or they are lost")
            }
            next = segment.seq + 1
            let start = size
            do {
                try append(segment)
                self.segments += 1
            } catch {
                let rest = segments.count - index - 1
                let behind = rest == 0 ? "" : ", and so are the \(rest) behind it"
                left.append("\(segment.path) is left\(behind): \(error)")
                size = start
                do throws(SystemError) { try file.truncate(to: start) } catch {
                    throw ClientError(.failed, "could not shorten a file in \(folder)", cause: error.reason)
                }
                break
            }
        }
        agent = try Self.agent(file, folder)
    }

    private static func unnamed(in folder: String) throws(ClientError) -> Descriptor {
        let hint = "copy the spool to a folder of yours, on a disk of this machine"
        do throws(SystemError) {
            if let file = try Descriptor.unnamed(in: folder) { return file }
        } catch {
            throw ClientError(.failed, "could not make a file in \(folder)", hint: hint, cause: error.reason)
        }
        throw ClientError(.failed, "the file system of \(folder) has no files without names", hint: hint)
    }

    private struct Damage: Error, CustomStringConvertible {
        var description: String
    }

    private func append(_ segment: AgentUploaderSpool.Segment) throws {
        let source = try Descriptor.open(segment.path, [.readOnly, .noFollow, .nonBlocking])
        guard try source.status().kind == .regular else { throw Damage(description: "it is no regular file") }
        var decompressor = try StreamDecompressor(codec: segment.isPacked ? .gzip : .none)
        var input = [UInt8](repeating: 0, count: Self.chunk)
        var output = [UInt8](repeating: 0, count: Self.chunk)
        var offset: Int64 = 0
        var written: Int64 = 0
        var last: UInt8 = 0x0A
        while true {
            let count = try input.withMutableBytes { (room) throws(SystemError) in
                try source.read(into: room, at: offset)
            }
            if count == 0 { break }
            offset += Int64(count)
            var from = 0
            while from < count {
                let step = input.withUnsafeBytes { input in
                    output.withUnsafeMutableBytes { output in
                        decompressor.step(UnsafeRawBufferPointer(rebasing: input[from..<count]), into: output)
                    }
                }
                if let damage = step.damage { throw Damage(description: "it is damaged: \(damage)") }
                if step.consumed == 0, step.produced == 0 { throw Damage(description: "it is damaged") }
                from += step.consumed
                written += Int64(step.produced)
                guard written <= Self.longestSegment else {
                    throw Damage(description: "it is longer than a segment can be")
                }
                if step.produced > 0 { last = output[step.produced - 1] }
                let place = size
                try output.withBytes { (bytes) throws(SystemError) in
                    try file.writeAll(UnsafeRawBufferPointer(rebasing: bytes[..<step.produced]), at: place)
                }
                size += Int64(step.produced)
            }
        }
        guard !segment.isPacked || (decompressor.isBetweenMembers && offset > 0) else {
            throw Damage(description: "it ends in the middle")
        }
        guard last == 0x0A else { throw Damage(description: "its last line has no end") }
        if let wanted = segment.bytes, wanted != written {
            throw Damage(
                description:
                    "it holds \(written) bytes, and the manifest beside it says \(wanted): it may be another session's")
        }
    }

    /// Codex begins with a line that says what it is; every line of Claude Code's names its session.
    private static func agent(_ file: borrowing Descriptor, _ folder: String) throws(ClientError) -> Agent {
        var head = [UInt8](repeating: 0, count: 64 << 10)
        let count: Int
        do throws(SystemError) {
            count = try head.withMutableBytes { (room) throws(SystemError) in try file.readFully(into: room, at: 0) }
        } catch {
            throw ClientError(.failed, "could not read a file in \(folder)", cause: error.reason)
        }
        for line in head[..<count].split(separator: 0x0A).prefix(16) {
            do throws(JSONFault) {
                let value = try JSONReader.value(of: Array(line))
                if value["type"]?.text == "session_meta" { return .codex }
                if value["sessionId"]?.text != nil { return .claude }
            } catch {
                continue  // safe: a line that is no JSON tells nothing
            }
        }
        return .generic
    }
}
