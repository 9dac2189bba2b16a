package import Shared

extension DestinationType {
    /// Why a destination of this type may not start while nothing is redacted; `nil`: it may. A line in a file that somebody
    /// wrote once is not enough for it.
    ///
    /// - Parameter noRedaction: `--no-redaction` was given.
    package func refusalWithoutRules(noRedaction: Bool) -> String? {
        switch self {
        case .directory: nil
        case .s3, .supabase, .presigned, .confab, .agnes, .history:
            noRedaction
                ? nil : "there are no redaction rules, so secrets in sessions would leave this machine as they are"
        }
    }
}

/// What a configuration may say, but this version cannot do. Nobody may believe to be protected who is not, so each is
/// a problem, not a remark.
extension ConfigurationReader {
    /// `--dry-run` sends nothing, so it takes every destination.
    mutating func refuseIfUnavailable(_ type: DestinationType, _ scope: SettingsScope) {
        guard !options.dryRun else { return }
        let key = scope.path("type")
        let origin = settings.origin(of: key) == .default ? scope.origin : settings.origin(of: key)
        let isAvailable = DestinationType.available.contains(type)
        if !isAvailable {
            let all = DestinationType.available.map(\.rawValue).joined(separator: ", ")
            settings.refuse(
                origin, key,
                "destination type \"\(type.rawValue)\" is not available in this version; available: \(all)",
                hint: "take this destination out, or use type = \"directory\"")
        }
        if !isRedacting, let reason = type.refusalWithoutRules(noRedaction: options.noRedaction) {
            settings.refuse(
                origin, key, reason,
                hint: "take enabled = false or default_rules = false out of [redaction], or give --no-redaction")
        }
    }

    mutating func refuseUnavailable(_ all: UploaderConfiguration) {
        func refuse(_ key: String, _ message: String, _ hint: String) {
            settings.refuse(settings.origin(of: key), key, message, hint: hint)
        }
        if all.archive.enabled {
            refuse("archive.enabled", "the archive is not available in this version", "write enabled = false")
        }
        if options.host {
            settings.refuse(
                .flag(CommandLineFlag.host.rawValue), "", "the dashboard is not available in this version",
                hint: "take it out")
        }
        noticeUnavailable(all)
    }

    private mutating func noticeUnavailable(_ all: UploaderConfiguration) {
        if all.redaction.isNone {
            let key = all.redaction.enabled ? "redaction.default_rules" : "redaction.enabled"
            notices.append(
                ConfigurationProblem(
                    settings.origin(of: key), key: key,
                    "nothing is redacted: lines are stored as they are, with their secrets",
                    hint: nil))
        }
        for key in ["dashboard.bind", "dashboard.port", "dashboard.page"] {
            if case .flag = settings.origin(of: key) {
                notices.append(
                    ConfigurationProblem(
                        settings.origin(of: key), key: key, "it has no effect: this version has no dashboard", hint: nil
                    ))
            }
        }
    }
}
