import LinuxSystem
import Shared

/// Destinations that cannot be beside each other, or that nobody meant.
extension ConfigurationReader {
    mutating func refuseSecond(
        _ name: String, _ scope: SettingsScope, _ seen: inout [String: ConfigurationOrigin]
    ) {
        if let first = seen[name] {
            settings.refuse(
                scope.origin, scope.path("name"), "there is another destination of the name \"\(name)\" (\(first))",
                hint: "give each destination a name of its own")
        } else {
            seen[name] = scope.origin
        }
    }

    /// Two destinations in one directory would be two writers of each object.
    mutating func refuseTwins(_ all: [DestinationConfiguration]) {
        for (index, twin) in all.enumerated() {
            guard let place = Self.folder(of: twin) else { continue }
            let key = "destination.\(twin.name).path"
            if let first = all[..<index].first(where: { Self.folder(of: $0) == place }) {
                settings.refuse(
                    settings.origin(of: key), key, "destination \"\(first.name)\" has the same directory",
                    hint: "give each its own path or prefix, or take one out")
            }
        }
    }

    /// The next start would look at its objects as files of ours.
    mutating func refuseAmongOurs(_ all: [DestinationConfiguration]) {
        let state = Files.resolved(directories.state)
        let spool = Files.resolved(directories.spool)
        let store = Files.resolved(directories.store)
        for destination in all {
            guard let place = Self.folder(of: destination) else { continue }
            func lies(in outer: String) -> Bool { place == outer || PathText.relative(place, to: outer) != nil }
            let isInState = lies(in: state)
            guard lies(in: spool) || (isInState && !lies(in: store)) else { continue }
            let key = "destination.\(destination.name).path"
            settings.refuse(
                settings.origin(of: key), key,
                "\(place) lies in the \(isInState ? "state directory" : "spool"), whose files are not a store's",
                hint: "choose a directory elsewhere, or \(directories.store)")
        }
    }

    /// What every required destination has is safe: were none required, lines would count as safe that are nowhere.
    mutating func refuseIfNoneCounts(_ all: [DestinationConfiguration]) {
        guard let first = all.first, !all.contains(where: \.isRequired) else { return }
        let key = "destination.\(first.name).required"
        settings.refuse(
            settings.origin(of: key), key, "no destination is required, so nothing would ever count as safe",
            hint: "take required = false out of one of them")
    }

    /// Where its objects lie, without links; `nil`: in no directory here.
    private static func folder(of destination: DestinationConfiguration) -> String? {
        guard case .directory(let path, let prefix) = destination.place else { return nil }
        let real = Files.resolved(path)
        let folders = prefix.split(separator: "/").joined(separator: "/")
        return folders.isEmpty ? real : "\(real == "/" ? "" : real)/\(folders)"
    }

    mutating func refuseAmbiguous(_ types: [DestinationType]) {
        for type in Set(types) where types.filter({ $0 == type }).count > 1 {
            for key in ["url", "endpoint", "secret"] {
                for override in settings.overrides["destination:\(type.rawValue).\(key)"] {
                    settings.refuse(
                        override.origin, "",
                        "there are several destinations of type \(type.rawValue) that it could mean",
                        hint: "take it out, and write it in the file")
                }
            }
        }
    }

    /// A variable alone makes no destination: it may be another program's, and sessions would go where nobody sent them.
    mutating func noticeUnused(_ types: [DestinationType]) {
        // Some of codetether's variables mean nothing, to codetether neither.
        let ofOthers: [DestinationType] = settings.overrides.saysHistory ? [.supabase, .history] : [.supabase]
        for type in ofOthers where !types.contains(type) {
            for name in settings.overrides.variables(of: type) {
                notices.append(
                    ConfigurationProblem(
                        .environment(name), key: "",
                        "it is not used: no destination of type \(type.rawValue) is configured",
                        hint: "write [[destination]] with type = \"\(type.rawValue)\" if it is meant for uploaderd"))
            }
        }
        let bucketed: [DestinationType] = [.s3, .supabase, .history]
        for (flag, key, isUsed) in [
            (CommandLineFlag.bucket, "destination:*.bucket", types.contains(where: bucketed.contains)),
            (.concurrency, "destination:*.concurrency", types.contains { $0 != .directory }),
        ] where !isUsed && !settings.overrides[key].isEmpty {
            notices.append(
                ConfigurationProblem(
                    .flag(flag.rawValue), key: "", "it has no effect: every destination is a directory",
                    hint: "take it out"))
        }
    }
}
