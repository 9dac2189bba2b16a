package import ControlPlane
import Delivery
import Segments
package import Shared
import Store

/// Sessions that are delivered once more: as they are, or by today's rules.
extension ControlDesk {
    package func resend(
        _ request: ResendRequest, progress: ReplySink<ResendReply>
    ) async throws(ControlError) -> ResendReply {
        switch request.kind {
        case .again(let sid, let destination): try await resend(sid, to: destination, progress)
        case .redacted(let sid): try await redactAgain(sid, progress)
        }
    }

    // MARK: By today's rules

    private func redactAgain(
        _ sid: SessionID?, _ progress: ReplySink<ResendReply>
    ) async throws(ControlError) -> ResendReply {
        let engine = engine
        guard let rules = engine.rewriting.segments?.rules else {
            throw ControlError(
                .refused, "nothing is redacted: the configuration has redaction.enabled = false",
                hint: "set redaction.enabled = true, and uploaderctl reload")
        }
        if let sid {
            try await requireDescribed(sid)
            try await requireOpen(sid)
            try await asking { () async throws(StoreError) in try await engine.store.askRewriting(of: sid) }
        } else {
            try await asking { () async throws(StoreError) in
                try await engine.store.askRewritingOfAll(notBy: rules)
            }
        }
        await engine.rewriting.retry()
        await engine.delivery.retry()
        // Of a session that is done nothing is counted any more.
        var most = ResendReply()
        return try await follow(
            engine.board, progress, unfinished: "not everything is redacted again yet; it goes on"
        ) { () async throws(ControlError) in
            let names = try await storeNames()
            let state = try await asking { () async throws(StoreError) in
                try await engine.rewriting.progress(of: sid, names: names)
            }
            most.sessions = max(most.sessions, state.counts.sessions)
            most.segments = max(most.segments, state.counts.rewritten)
            most.unchanged = max(most.unchanged, state.counts.unchanged)
            most.waitingFor = state.busy.sorted()
            most.left = state.left.sorted { $0.key < $1.key }.map {
                ForgetReply.Leftover(destination: $0.key, reason: $0.value.why, willGo: $0.value.willGo)
            }
            most.failed = state.failed.sorted { $0.key < $1.key }.map { "session \($0.key): \($0.value)" }
            guard state.isOver else { return .begun(most) }
            if sid == nil { most.failed += try await keptBack(from: rules) }
            return .over(most)
        }
    }

    /// Which sessions stay as they are, since nothing of them may be put, a sentence each.
    private func keptBack(from rules: String) async throws(ControlError) -> [String] {
        try await asking { [engine] () async throws(StoreError) in
            try await engine.store.keptFromRewriting(notBy: rules).map { session in
                "session \(session) is private, excluded or unresolved: what was delivered of it stays as it is; "
                    + "uploaderctl forget \(session) deletes it"
            }
        }
    }

    // MARK: As they are

    private func resend(
        _ sid: SessionID, to destination: String?, _ progress: ReplySink<ResendReply>
    ) async throws(ControlError) -> ResendReply {
        let engine = engine
        try await requireDescribed(sid)
        try await requireOpen(sid)
        let names = engine.destinations.map(\.name)
        if let destination, !names.contains(destination) {
            throw ControlError(
                .noMatch, "there is no destination \(destination)", hint: "there is \(names.joined(separator: ", "))")
        }
        try await resolve(sid)
        var reply = ResendReply(sessions: 1)
        var asked: [(id: StoreID, name: String)] = []
        for name in names where destination == nil || name == destination {
            guard let id = engine.objects.id(named: name), let shelf = engine.objects.shelf(id) else {
                let why = engine.board.snapshot().destinations[name]?.lastError ?? "its store has not answered yet"
                reply.left.append(ForgetReply.Leftover(destination: name, reason: why, willGo: false))
                continue
            }
            if shelf.sink.isReadable {
                // What is whole there stays; what is not is noted, and put again from where it is whole.
                let there = try await asking { () async throws(StoreError) in
                    try await engine.store.putThere(sid, at: id)
                }
                reply.waitingFor = [name]
                try await read(there, in: id, on: shelf) { (isWhole) async throws(ControlError) in
                    if isWhole { reply.unchanged += 1 } else { reply.segments += 1 }
                    try await progress.send(reply)
                }
                reply.waitingFor = []
            } else {
                let sources = engine.objects.readable.filter { $0.shelf.sink.isReadable }.map(\.id)
                reply.segments += try await asking { () async throws(StoreError) in
                    try await engine.store.putAgain(sid, at: id, from: sources)
                }
            }
            // What was said before somebody asked; if it is so again, it is said again.
            engine.board.clearRefusals(of: sid, by: name)
            asked.append((id, name))
        }
        let last = try await asking { () async throws(StoreError) in try await engine.store.lastSegment() }
        await engine.delivery.retry()
        return try await settled(sid, upTo: last, asked, reply, progress)
    }

    /// Reads some at once: a store that is far away takes its time for each.
    ///
    /// - Parameter told: for each, in any order, whether it is whole; of one that is not health says why.
    private func read(
        _ segments: [StoredSegment], in id: StoreID, on shelf: ObjectFinder.Shelf,
        _ told: (Bool) async throws(ControlError) -> Void
    ) async throws(ControlError) {
        let objects = engine.objects
        var rest = segments[...]
        while !rest.isEmpty {
            let next = rest.prefix(Self.readAtOnce)
            rest = rest.dropFirst(Self.readAtOnce)
            let whole = await withTaskGroup(of: Bool.self) { group in
                for segment in next {
                    group.addTask(executorPreference: engine.world.loop) {
                        do {
                            _ = try await objects.sound(
                                SegmentOutline(segment.record), of: segment.record.stream.session,
                                in: [objects.copy(of: segment.id, segment.record, in: id, on: shelf)])
                            return true
                        } catch {
                            // Noted by who looked; counted as what it is when all is told.
                            return false
                        }
                    }
                }
                var all: [Bool] = []
                for await each in group { all.append(each) }
                return all
            }
            for each in whole { try await told(each) }
        }
    }

    private static let readAtOnce = 8

    /// - Parameter last: what is sealed later, as in a session that grows, is not waited for.
    private func settled(
        _ sid: SessionID, upTo last: SegmentID?, _ asked: [(id: StoreID, name: String)], _ begun: ResendReply,
        _ progress: ReplySink<ResendReply>
    ) async throws(ControlError) -> ResendReply {
        let engine = engine
        guard let last else { return begun }
        var goals = asked.map { SessionGoal(sid, at: $0.id, upTo: last) }
        return try await follow(
            engine.board, progress, unfinished: "session \(sid) is being delivered again; it goes on"
        ) { () async throws(ControlError) in
            var reply = begun
            let seen = engine.board.snapshot()
            for (index, (id, name)) in asked.enumerated() {
                let before = goals[index]
                let (goal, faulty) = try await asking { () async throws(StoreError) in
                    (try await engine.store.come(to: before), try await engine.store.faultyCount(of: sid, at: id))
                }
                goals[index] = goal
                let refusal = seen.health.first { $0.subject == "\(name)/\(sid)" }?.message
                if !goal.isReached, let why = refusal ?? seen.destinations[name]?.lastError {
                    reply.left.append(ForgetReply.Leftover(destination: name, reason: why, willGo: true))
                } else if !goal.isReached {
                    reply.waitingFor.append(name)
                } else if faulty > 0 {
                    reply.left.append(
                        ForgetReply.Leftover(
                            destination: name,
                            reason:
                                "\(faulty) objects are missing or damaged there, and there is no other copy of them",
                            willGo: false))
                }
            }
            return reply.waitingFor.isEmpty ? .over(reply) : .begun(reply)
        }
    }

    /// Somebody says that no store is to be waited for: the session goes on with what is known of it here.
    private func resolve(_ sid: SessionID) async throws(ControlError) {
        let engine = engine
        let wasOpen = try await asking { () async throws(StoreError) in
            do throws(StoreError) {
                try await engine.store.requireResolved(sid)
                return true
            } catch {
                guard error.code == .unresolved else { throw error }
                try await engine.store.resolve(sid)
                return false
            }
        }
        guard !wasOpen else { return }
        engine.board.clear("session_unresolved", sid.rawValue)
        await engine.supervisor.resolved()
    }

    private func requireDescribed(_ sid: SessionID) async throws(ControlError) {
        let isKnown = try await asking { () async throws(StoreError) in try await engine.store.describe(sid) != nil }
        if !isKnown { throw ReplayService.noSession(sid) }
    }
}
