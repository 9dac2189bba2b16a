import Capture
import LinuxSystem
import Shared
import Store

/// Judges sessions by the privacy rules: a new one before its first line is cut, all that are known when the rules are others than
/// those that judged them.
struct PrivacyJudge: Sendable {
    /// `nil`: there are none, and everything is open.
    let rules: PrivacyRules?
    let store: Store
    let board: StatusBoard
    let log: any EventLog
    let time: any TimeSource

    /// How long a new file may take to say where its session runs.
    private static let patience: Duration = .seconds(30)
    private static let undecided = "session_undecided"
    private static let delivered = "excluded_delivered"
    /// Of the rules that judged what is known.
    private static let digest = "privacy.rules"
    /// So many share a commit: what each commit costs is most of what a hundred sessions cost.
    private static let batch = 2_048

    /// Judges everything that is known, where the rules have changed since; says what is to be said. Blocks.
    func judgeKnown() async throws(StoreError) {
        let now = rules?.digest ?? ""
        if try await store.value(Self.digest) ?? "" != now {
            try await store.unjudgeUnknown()
            var after: SessionID?
            while true {
                let some = try await store.sessions(after: after, limit: Self.batch)
                try await judgeAnew(some)
                guard let last = some.last else { break }
                after = last.session
            }
            try await store.setValue(Self.digest, now)
        }
        for session in try await store.undecided() {
            say(undecided: session, "what the privacy rules ask for was not known of it")
        }
        try await sayDelivered()
    }

    /// What left before a rule was made stays where it is, until somebody decides.
    private func sayDelivered() async throws(StoreError) {
        let sent = try await store.excludedAndStored()
        guard let first = sent.first else {
            board.clear(Self.delivered, "privacy")
            return
        }
        let more = sent.count > 1 ? " and \(sent.count - 1) more" : ""
        board.report(
            Self.delivered, "privacy",
            "the privacy rules keep session \(first)\(more) here, and some of it was delivered before they did",
            hint:
                "uploaderctl forget SID deletes that; uploaderctl private add SID leaves it there; uploaderctl sessions "
                + "--private lists them")
    }

    private func judgeAnew(_ sessions: [SessionSummary]) async throws(StoreError) {
        guard let rules else {
            _ = try await store.judge(sessions.map { ($0.session, .open, nil) })
            return
        }
        let verdicts = sessions.map { session in
            rules.verdict(
                of: PrivacyRules.Place(directory: session.facts.cwd, git: session.facts.git, agent: session.facts.agent)
            )
        }
        let found = try await store.judge(zip(sessions, verdicts).map { ($0.session, $1.standing, $1.rule) })
        for ((session, verdict), outcome) in zip(zip(sessions, verdicts), found) {
            say(verdict, session.session, outcome)
        }
    }

    /// Judges a session that was taken up from a store. Blocks.
    func judgeTakenUp(_ session: SessionID) async throws(StoreError) {
        guard rules != nil, let found = try await store.describe(session) else { return }
        try await judgeAnew([found.summary])
    }

    /// Whether the stream's first lines decide: nothing of it was cut yet, and nobody has said anything of its session.
    func asks(_ name: SourceName) async throws(StoreError) -> Bool {
        guard rules != nil, try await !store.isSaid(name.sid), try await store.cursor(of: name.key) == nil else {
            return false
        }
        return try await store.standing(of: name.sid) != .excluded
    }

    /// Judges a stream of which nothing was cut yet.
    ///
    /// - Parameters:
    ///   - agent: that writes it.
    ///   - lines: its first lines, where they were asked for, and whether there are as many as are looked at.
    /// - Returns: whether it may be taken, as far as rules go.
    /// - Throws: `undecided` while its lines may yet say where it runs.
    func admits(
        _ name: SourceName, of agent: Agent, _ file: SourceObservation, _ lines: (learnt: FirstLines, isAll: Bool)?
    ) async throws -> Bool {
        guard let rules, let (learnt, isAll) = lines else {
            return try await store.standing(of: name.sid) == .open
        }
        let verdict = rules.verdict(of: PrivacyRules.Place(directory: learnt.cwd, git: learnt.facts.git, agent: agent))
        if case .undecided(let why) = verdict, learnt.cwd == nil, !isAll, isYoung(file) {
            throw EngineError(.undecided, "whether session \(name.sid) may be taken is not known yet: \(why)")
        }
        try await note(verdict, name.sid)
        return verdict == .open
    }

    private func isYoung(_ file: SourceObservation) -> Bool {
        let since = file.identity.birth > 0 ? file.identity.birth : file.modified
        return time.wall.nanoseconds - since < Self.patience.nanoseconds
    }

    private func note(_ verdict: PrivacyRules.Verdict, _ session: SessionID) async throws(StoreError) {
        say(verdict, session, try await store.judge(session, as: verdict.standing, because: verdict.rule))
    }

    private func say(
        _ verdict: PrivacyRules.Verdict, _ session: SessionID, _ outcome: (standing: SessionStanding, isNew: Bool)
    ) {
        if outcome.standing != .undecided { board.clear(Self.undecided, session.rawValue) }
        guard outcome.isNew else { return }
        switch verdict {
        case .open:
            log.record(Event(.privacyChanged, "no privacy rule keeps the session here any more", session: session))
        case .excluded(let why):
            log.record(Event(.privacyChanged, "a privacy rule keeps the session here: \(why)", session: session))
        case .undecided(let why): say(undecided: session, why)
        }
    }

    private func say(undecided session: SessionID, _ why: String) {
        let message = "nothing of session \(session) is taken, for there are privacy rules and \(why)"
        let hint =
            "uploaderctl private remove \(session) delivers it all the same, uploaderctl private add \(session) keeps it here"
        guard board.report(Self.undecided, session.rawValue, message, hint: hint) else { return }
        log.record(Event(.privacyChanged, message, hint: hint, session: session))
    }

    /// What is held because the rules cannot judge it, a sentence each.
    static func reasons(on board: StatusBoard) -> [String] {
        board.snapshot().health.filter { $0.kind == undecided }.map(\.message)
    }

    /// Somebody has said what is to become of the session.
    func settle(_ session: SessionID) async throws(StoreError) {
        board.clear(Self.undecided, session.rawValue)
        try await sayDelivered()
    }
}
