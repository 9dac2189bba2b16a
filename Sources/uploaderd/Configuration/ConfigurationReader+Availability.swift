package import Shared

extension DestinationType {
    /// Why a destination of this type may not start while there are no redaction rules; `nil`: it may.
    ///
    /// - Parameter noRedaction: `--no-redaction` was given.
    package func refusalWithoutRules(noRedaction: Bool) -> String? {
        switch self {
        case .directory: nil
        case .s3, .supabase, .presigned, .confab, .agnes, .history:
            noRedaction
                ? nil
                : "this version has no redaction rules, and secrets in sessions would leave this machine as they are"
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
        if let reason = type.refusalWithoutRules(noRedaction: options.noRedaction) {
            settings.refuse(
                origin, key, reason,
                hint: isAvailable
                    ? "give --no-redaction if that is wanted" : "--no-redaction alone does not make this type available"
            )
        }
    }

    mutating func refuseUnavailable(_ all: UploaderConfiguration) {
        func refuse(_ key: String, _ message: String, _ hint: String) {
            settings.refuse(settings.origin(of: key), key, message, hint: hint)
        }
        if !all.redaction.rules.isEmpty {
            let key = "redaction.rule"
            settings.refuse(
                settings.origin(of: "redaction.rule[1].name"), key,
                "redaction rules are not available in this version: no line would be redacted",
                hint: "take [[redaction.rule]] out")
        }
        for (key, values) in [
            ("exclude_directories", all.privacy.excludeDirectories),
            ("exclude_repositories", all.privacy.excludeRepositories), ("include_only", all.privacy.includeOnly),
        ] where !values.isEmpty {
            refuse(
                "privacy.\(key)",
                "privacy rules are not available in this version: these sessions would be uploaded all the same",
                "take the key out, and keep such sessions outside the watched roots")
        }
        if all.archive.enabled {
            refuse("archive.enabled", "the archive is not available in this version", "write enabled = false")
        }
        for destination in all.destinations where destination.history {
            refuse(
                "destination.\(destination.name).history", "history objects are not available in this version",
                "write history = false")
        }
        if options.host {
            settings.refuse(
                .flag(CommandLineFlag.host.rawValue), "", "the dashboard is not available in this version",
                hint: "take it out")
        }
        noticeUnavailable(all)
    }

    private mutating func noticeUnavailable(_ all: UploaderConfiguration) {
        for key in ["redaction.enabled", "redaction.default_rules"]
        where settings.origin(of: key) != .default && all.redaction.enabled && all.redaction.defaultRules {
            notices.append(
                ConfigurationProblem(
                    settings.origin(of: key), key: key,
                    "this version has no redaction rules: lines are stored as they are", hint: nil))
        }
        if options.noRedaction {
            notices.append(
                ConfigurationProblem(
                    .flag(CommandLineFlag.noRedaction.rawValue), key: "",
                    "it has no effect: this version has no redaction rules, lines are stored as they are", hint: nil))
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
