import Glibc
import LinuxSystem
import Shared

/// What somebody said of sessions, as a file to which lines are appended, each durable before it is answered.
///
///     private.txt      2026-11-22T05:00:00Z private ses_1
///                      2026-11-22T06:30:00Z open ses_1
///     forgotten.txt    2026-11-22T07:00:00Z forgotten ses_2
///
/// The last line that names a session counts. Valid: a regular file of at most 64 MiB in which every line is a time, a word that
/// the file may hold, and a session id, parted by one space. A last line without its end is an append that was cut off, and was
/// never answered: one that closes a session counts all the same, any other is dropped. A file that is not valid, or was there and
/// is not, says nothing of any session: then nothing leaves at all.
struct StandingList {
    typealias Entry = StandingLine

    let path: String
    /// Words that may stand in it.
    let words: [SessionStanding]

    /// - Parameter isExpected: there was such a file.
    /// - Throws: `damaged`; `io` and the like when it cannot be read.
    func read(isExpected: Bool) throws(StoreError) -> [Entry] { try look(isExpected: isExpected).entries }

    /// Adds a line: durable when this returns, and not there when it throws.
    func append(_ entry: Entry, isExpected: Bool) throws(StoreError) {
        let known = try look(isExpected: isExpected)
        let line = Array(known.repair.utf8) + Array("\(entry.text)\n".utf8)
        try reporting("could not write \(path)") { () throws(SystemError) in
            let file = try Descriptor.open(path, [.readWrite, .create, .noFollow, .nonBlocking])
            do throws(SystemError) {
                try file.truncate(to: known.validBytes)
                try line.withBytes { (bytes) throws(SystemError) in try file.writeAll(bytes, at: known.validBytes) }
                try file.sync()
            } catch {
                // What is left of it counts for nothing more than what a crash leaves; the first error is the one that matters.
                _ = try? file.truncate(to: known.validBytes)
                throw error
            }
            try Files.syncDirectory(Files.parent(of: path))
        }
    }

    private struct Contents {
        var entries: [Entry] = []
        /// Where the next line goes.
        var validBytes: Int64 = 0
        /// Comes before it: the end of a line that lacks it.
        var repair = ""
    }

    private func look(isExpected: Bool) throws(StoreError) -> Contents {
        guard let bytes = try bytes() else {
            if isExpected { throw damaged("it is gone") }
            return Contents()
        }
        var contents = Contents()
        var start = 0
        while let end = bytes[start...].firstIndex(of: 0x0A) {
            guard let entry = entry(bytes[start..<end]) else {
                throw damaged("line \(contents.entries.count + 1) is not one of its lines")
            }
            contents.entries.append(entry)
            start = end + 1
        }
        contents.validBytes = Int64(start)
        if let entry = entry(bytes[start...]), entry.standing != .open {
            contents.entries.append(entry)
            contents.validBytes = Int64(bytes.count)
            contents.repair = "\n"
        }
        return contents
    }

    /// - Returns: `nil` when it is not there.
    private func bytes() throws(StoreError) -> [UInt8]? {
        do throws(SystemError) {
            guard let status = try Files.status(path) else { return nil }
            // Opening a FIFO would wait for who writes into it.
            guard status.kind == .regular else { throw SystemError("read", path: path, code: EINVAL) }
            return try Files.readAll(path)
        } catch {
            throw damaged("it cannot be read: \(error.reason)")
        }
    }

    private func entry(_ bytes: ArraySlice<UInt8>) -> Entry? {
        Entry(bytes).flatMap { words.contains($0.standing) ? $0 : nil }
    }

    private func damaged(_ why: String) -> StoreError {
        StoreError(
            .damaged, "\(path) cannot be relied on: \(why)",
            hint:
                "put it back from a copy, or mend the line; where there is no copy an empty file is taken as it is, and what "
                + "the catalog knows counts; then systemctl --user restart uploaderd")
    }
}
