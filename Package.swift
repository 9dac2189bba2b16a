// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// On every target, tests too: without it epoll, eventfd and timerfd are invisible, with it on some only, fd_set breaks.
let gnu: [CSetting] = [.define("_GNU_SOURCE"), .treatAllWarnings(as: .error)]

/// A room: one library target in its own folder. `uses` is the whole list of arrows out of it.
func room(
    _ name: String, in folder: String, without others: [String] = [], uses: [Target.Dependency] = []
) -> Target {
    .target(
        name: name, dependencies: uses, path: folder, exclude: others, cSettings: gnu, swiftSettings: strict)
}

/// A C library that the operating system provides, found with pkg-config.
func system(_ name: String, pkgConfig: String, apt: String) -> Target {
    .systemLibrary(
        name: name, path: "Sources/Shared/C/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// The tests of one room, in `Tests/<room>Tests`.
func tests(_ name: String, without others: [String] = [], uses: [Target.Dependency]) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: uses + ["TestSupport"], exclude: others, cSettings: gnu,
        swiftSettings: strict)
}

/// An agent starts uploaderctl with every prompt, as its hook, and half of the time that this took was the dynamic loader's.
/// So the optimised one is linked statically, at any address all the same, where the libraries for it are there:
/// packaging/find-static.
let alone: [LinkerSetting] =
    Context.environment["UPLOADER_STATIC"] == nil
    ? []
    : [
        .unsafeFlags(
            ["-static-executable", "-use-ld=lld", "-Xclang-linker", "-static-pie"], .when(configuration: .release))
    ]

let package = Package(
    name: "uploaderd",
    targets: [
        // The operating system.
        .target(name: "CLinux", path: "Sources/Shared/C/CLinux", cSettings: gnu),
        .systemLibrary(name: "CVector", path: "Sources/Shared/C/CVector"),
        .target(
            name: "CToml", path: "Sources/Shared/C/CToml",
            cxxSettings: [.define("_GNU_SOURCE"), .treatAllWarnings(as: .error)]),
        system("CSystemd", pkgConfig: "libsystemd", apt: "libsystemd-dev"),
        system("CDeflate", pkgConfig: "libdeflate", apt: "libdeflate-dev"),
        system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
        system("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),
        system("CCrypto", pkgConfig: "libcrypto", apt: "libssl-dev"),
        system("CCurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev"),
        system("CExpat", pkgConfig: "expat", apt: "libexpat1-dev"),
        system("CSQLite", pkgConfig: "sqlite3", apt: "libsqlite3-dev"),
        system("CVectorscan", pkgConfig: "libhs", apt: "libvectorscan-dev"),
        system("CPCRE2", pkgConfig: "libpcre2-8", apt: "libpcre2-dev"),

        // What both programs speak.
        room("Shared", in: "Sources/Shared", without: ["C", "LinuxSystem", "Digests", "Compression"]),
        room("LinuxSystem", in: "Sources/Shared/LinuxSystem", uses: ["Shared", "CLinux"]),
        room("Digests", in: "Sources/Shared/Digests", uses: ["Shared", "CCrypto"]),
        room("Compression", in: "Sources/Shared/Compression", uses: ["Shared", "CZlib", "CZstd"]),

        // The daemon's rooms, in the order the bytes flow.
        room(
            "Configuration", in: "Sources/uploaderd/Configuration", uses: ["Shared", "LinuxSystem", "CToml"]),
        room("Capture", in: "Sources/uploaderd/Capture", uses: ["Shared", "LinuxSystem", "Digests", "Compression"]),
        room(
            "Redaction", in: "Sources/uploaderd/Redaction",
            uses: ["Shared", "Digests", "CVector", "CVectorscan", "CPCRE2"]),
        room(
            "Segments", in: "Sources/uploaderd/Segments",
            uses: ["Shared", "Redaction", "Digests", "Compression", "CDeflate", "CZlib", "CZstd"]),
        room(
            "Store", in: "Sources/uploaderd/Store",
            uses: ["Shared", "LinuxSystem", "Digests", "Segments", "CSQLite"]),
        room(
            "Delivery", in: "Sources/uploaderd/Delivery",
            uses: ["Shared", "LinuxSystem", "Digests", "Compression", "CCrypto", "CCurl", "CExpat"]),
        room("ControlPlane", in: "Sources/uploaderd/Control", uses: ["Shared", "LinuxSystem"]),
        room(
            "Engine", in: "Sources/uploaderd/Engine",
            uses: [
                "Shared", "LinuxSystem", "Digests", "Configuration", "Capture", "Redaction", "Segments",
                "Store", "Delivery", "ControlPlane",
            ]),
        .executableTarget(
            name: "uploaderd",
            dependencies: [
                "Engine", "Capture", "Redaction", "Delivery", "Shared", "LinuxSystem", "Configuration",
                "ControlPlane", "CSystemd",
            ],
            path: "Sources/uploaderd/Main", cSettings: gnu, swiftSettings: strict),

        // The other program.
        room("ControlClient", in: "Sources/uploaderctl/Client", uses: ["Shared", "LinuxSystem", "Compression"]),
        .executableTarget(
            name: "uploaderctl", dependencies: ["ControlClient", "Shared", "LinuxSystem"],
            path: "Sources/uploaderctl/Main", cSettings: gnu, swiftSettings: strict, linkerSettings: alone),

        .target(
            name: "TestSupport", dependencies: ["Shared", "LinuxSystem", "Digests", "Capture", "Delivery", "CDisk"],
            path: "Tests/Support", exclude: ["C"],
            cSettings: gnu, swiftSettings: strict),
        // Without _FILE_OFFSET_BITS: it defines both names of each call.
        .target(name: "CDisk", path: "Tests/Support/C/CDisk", cSettings: gnu),
        tests("Shared", uses: ["Shared"]),
        tests("LinuxSystem", uses: ["LinuxSystem", "Shared"]),
        tests("Configuration", uses: ["Configuration", "Redaction", "Shared"]),
        tests("Capture", uses: ["Capture", "LinuxSystem", "Digests", "Shared"]),
        tests("Redaction", uses: ["Redaction", "Digests", "Shared"]),
        tests("Segments", uses: ["Segments", "Redaction", "Digests", "Shared"]),
        tests("Store", uses: ["Store", "Segments", "Redaction", "LinuxSystem", "Digests", "Shared"]),
        tests("Delivery", without: ["AgeVectors"], uses: ["Delivery", "Digests", "LinuxSystem", "Shared", "CZlib"]),
        tests("ControlPlane", uses: ["ControlPlane", "ControlClient", "LinuxSystem", "Shared"]),
        tests("ControlClient", uses: ["ControlClient", "LinuxSystem", "Shared"]),
        tests(
            "Engine", without: ["Simulation/seeds"],
            uses: [
                "Engine", "Store", "Segments", "Redaction", "Capture", "Delivery", "Digests", "Configuration",
                "ControlPlane", "LinuxSystem", "Shared",
            ]),
    ]
)

// Only for `make bench`.
if Context.environment["UPLOADER_BENCH"] != nil {
    package.targets += [
        .executableTarget(
            name: "redaction-bench", dependencies: ["Shared", "Redaction", "CVectorscan", "CPCRE2"],
            path: "Tests/Bench/Redaction", cSettings: gnu, swiftSettings: strict),
        .executableTarget(
            name: "encryption-bench", dependencies: ["Shared", "LinuxSystem", "Digests", "Delivery"],
            path: "Tests/Bench/Encryption", cSettings: gnu, swiftSettings: strict),
    ]
}

// Only for `make fuzz`: it links libFuzzer, which comes with that sanitizer.
if Context.environment["UPLOADER_FUZZ"] != nil {
    package.targets += [
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "Shared", "LinuxSystem", "Digests", "Configuration", "Capture", "Redaction", "Segments",
                "ControlClient", "Delivery",
            ],
            path: "Tests/Fuzz/Targets", cSettings: gnu, swiftSettings: strict)
    ]
}
