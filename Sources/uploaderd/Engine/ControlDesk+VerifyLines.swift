import Delivery
import Segments
import Shared
import Store

extension ControlDesk {
    /// Whether a store that keeps lines has those of a segment; read back and compared when `deep`. What it has not got it is
    /// sent again, if that is anywhere.
    nonisolated func look(
        _ segment: StoredSegment, in id: StoreID, _ sink: any LineSink, deep: Bool
    ) async -> Verdict {
        let record = segment.record
        do {
            let facts = try await engine.objects.factsToTell(of: record.stream.session) ?? SessionFacts()
            let last = try await sink.lastLine(beside: record, facts)
            guard last >= record.lastLine else {
                let lines = record.firstLine...record.lastLine
                let isSent = try await engine.store.recall(lines, before: record, at: id) == .waiting
                engine.objects.askAgain()
                return (.missing, "it has \(last) lines of that file\(isSent ? "; the others are sent again" : "")")
            }
            guard deep else { return (.found, nil) }
            let outline = SegmentOutline(linesOf: record)
            var reader = try MemberReader(outline, object: try await engine.objects.lines(of: segment, from: sink))
            while try reader.next() != nil {}
            return (.found, outline.checksum == nil ? "not compared: it has what no text can hold" : nil)
        } catch let error as SegmentError where error.code == .damaged {
            if await isRewritten(segment) { return (.found, "as it was before newer rules: what it has it keeps") }
            return (.damaged, "its lines there are others, or one was too long: \(error.description)")
        } catch let error as DeliveryError where error.code == .unacceptable {
            return (.private, error.message)
        } catch let error as DeliveryError where error.code == .notFound {
            return (.missing, error.message)
        } catch {
            return (.delayed, "\(error)")
        }
    }

    /// Lines that were sent are not sent again by newer rules: then others are there, and none is damaged.
    private nonisolated func isRewritten(_ segment: StoredSegment) async -> Bool {
        do throws(StoreError) { return try await engine.store.isRewritten(segment.id) } catch { return false }
    }
}
