import Capture
import Redaction
import Segments
import Shared
import Store

/// What is told of a session beside its lines.
extension StreamPipeline {
    /// What the first lines told, and since when and until when there are lines.
    ///
    /// A sub-agent's stream says whose the session is and where it runs, for it may be all that there is of it: without
    /// that nobody could tell after a loss of state that it is ours.
    func facts(with record: SegmentRecord) -> SessionFacts {
        var facts = record.firstLine <= FirstLines.lineLimit ? firstLines.facts : SessionFacts(agent: source.agent)
        facts.host = context.machine.host
        facts.machine = context.machine.machine
        facts.user = context.machine.user
        facts.sourcePath = told(source.absolute)
        guard name.kind == .transcript else {
            facts.cwd = firstLines.cwd
            return facts
        }
        facts.parentSID = facts.parentSID ?? name.parentSID
        if let first = record.firstTS, record.firstLine == 1 {
            facts.startedAt = facts.startedAt ?? RFC3339.text(WallTime(seconds: first))
        }
        if let last = record.lastTS { facts.lastAt = RFC3339.text(WallTime(seconds: last)) }
        return facts
    }

    /// A folder's name may hold a secret as well as a line may.
    private func told(_ path: String) -> String {
        Array(path.utf8).withBytes { bytes in
            context.redactor.redact(RawLine(bytes: bytes, offset: 0, terminated: false)) { line in
                String(decoding: line.bytes, as: UTF8.self)
            }
        }
    }

    func noteWithheld(_ lines: Int, in record: SegmentRecord) {
        context.board.update { $0.noticed.withheldLines += lines }
        let message = "\(lines) lines of \(source) were withheld: a line that stands for each was stored instead"
        context.board.report(
            "lines_withheld", source.absolute, message,
            hint: "each says why: too_long is over segments.max_line, redaction_failed beyond the limits of a rule; "
                + "uploaderctl show \(name.sid) lists the segments")
        context.log.record(
            Event(
                .lineWithheld, message, session: name.sid,
                fields: ["STREAM": name.stream.rawValue, "SEQ": "\(record.seq)"]))
    }
}
