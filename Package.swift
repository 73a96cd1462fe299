// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours: Swift 6 with strict memory safety, and no warning passes.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]
/// Tests are compiled as they stand, also where the product is optimised: their tables of cases would take minutes.
let testing = strict + [.unsafeFlags(["-Onone"])]
let strictC: [CSetting] = [.treatAllWarnings(as: .error)]

let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let grdbSQLite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")

let package = Package(
    name: "coffer",
    products: [
        .library(name: "Coffer", targets: ["Coffer"]),
        .executable(name: "coffer", targets: ["CofferCLI"]),
        .executable(name: "coffer-rds", targets: ["CofferRDSCLI"]),
        .executable(name: "coffer-volumed", targets: ["CofferVolumed"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // C: module maps, kernels, and what Swift cannot say.
        .target(name: "CCipherLimit", cSettings: strictC),
        .systemLibrary(name: "CFuse", providers: [.apt(["libfuse3-dev"])]),
        .target(name: "CLinux", cSettings: strictC),
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
        .target(name: "CPKCS11", cSettings: strictC),
        .target(name: "CXTS", dependencies: ["COpenSSL"], cSettings: strictC),

        // Words and secrets.
        .target(name: "CofferJSON", dependencies: ["CofferSecrets"], swiftSettings: strict),
        .target(name: "CofferPolicy", dependencies: ["CofferJSON", "CofferShapes"], swiftSettings: strict),
        .target(name: "CofferSecrets", dependencies: ["CLinux"], swiftSettings: strict),
        .target(name: "CofferShapes", dependencies: ["CofferSecrets"], swiftSettings: strict),
        .target(name: "CofferSystem", dependencies: ["CLinux", "CofferShapes"], swiftSettings: strict),

        // Crypto.
        .target(
            name: "CofferCrypto",
            dependencies: ["COpenSSL", "CofferSecrets", "CofferShapes"],
            swiftSettings: strict
        ),
        .target(
            name: "CofferSigV4",
            dependencies: ["CofferCrypto", "CofferSecrets", "CofferShapes"],
            swiftSettings: strict
        ),
        .target(name: "CofferXTS", dependencies: ["CXTS", "CofferSecrets"], swiftSettings: strict),

        // Engines.
        .target(
            name: "CofferBlock",
            dependencies: ["CLinux", "CofferCrypto", "CofferSecrets", "CofferShapes", "CofferXTS"],
            swiftSettings: strict
        ),
        .target(
            name: "CofferCatalog",
            dependencies: ["CofferShapes", grdb],
            swiftSettings: strict
        ),
        .target(
            name: "CofferControl",
            dependencies: ["CofferSecrets", "CofferShapes"],
            swiftSettings: strict
        ),
        .target(
            name: "CofferFuse",
            dependencies: ["CFuse", "CLinux", "CofferBlock", "CofferSystem"],
            swiftSettings: strict
        ),
        .target(
            name: "CofferSnapshot",
            dependencies: [
                "CLinux", "CofferBlock", "CofferCrypto", "CofferSecrets", "CofferShapes", "CofferXTS",
            ],
            swiftSettings: strict
        ),
        .target(
            name: "CofferTrail",
            dependencies: ["CofferCrypto", "CofferJSON", "CofferSecrets", "CofferShapes"],
            swiftSettings: strict
        ),

        // Keys and services.
        .target(
            name: "CofferEBS",
            dependencies: [
                "CLinux", "CofferBlock", "CofferCatalog", "CofferControl", "CofferCrypto", "CofferSecrets",
                "CofferShapes", "CofferSnapshot", "CofferSystem", "CofferXTS", logging,
            ],
            swiftSettings: strict
        ),
        .target(
            name: "CofferIdentity",
            dependencies: [
                "CofferCatalog", "CofferCrypto", "CofferPolicy", "CofferSecrets", "CofferShapes",
                "CofferTrail",
            ],
            swiftSettings: strict
        ),
        .target(
            name: "CofferKMS",
            dependencies: [
                "CofferCrypto", "CofferPolicy", "CofferSecrets", "CofferShapes", "CofferTrail", grdb,
                grdbSQLite,
            ],
            swiftSettings: strict
        ),
        .target(
            name: "CofferPKCS11",
            dependencies: ["CPKCS11", "CofferSecrets", "CofferShapes"],
            swiftSettings: strict
        ),
        .target(
            name: "CofferRDS",
            dependencies: [
                "CLinux", "CofferCatalog", "CofferCrypto", "CofferEBS", "CofferSecrets", "CofferShapes",
                "CofferSystem", grdb, grdbSQLite, logging,
            ],
            swiftSettings: strict
        ),
        .target(
            name: "CofferRemoteKMS",
            dependencies: [
                "CofferJSON", "CofferSecrets", "CofferShapes", "CofferSigV4", asyncHTTPClient, nioCore,
                nioHTTP1, nioPosix, nioSSL,
            ],
            swiftSettings: strict
        ),

        // The home, its bench, and the commands.
        .target(
            name: "Coffer",
            dependencies: [
                "CofferCatalog", "CofferCrypto", "CofferEBS", "CofferIdentity", "CofferKMS", "CofferPKCS11",
                "CofferRDS", "CofferRemoteKMS", "CofferSecrets", "CofferShapes", "CofferSystem",
                "CofferTrail",
                logging,
            ],
            swiftSettings: strict
        ),
        .target(
            name: "CofferServer",
            dependencies: [
                "Coffer", "CofferCatalog", "CofferCrypto", "CofferEBS", "CofferIdentity", "CofferJSON",
                "CofferKMS", "CofferRDS", "CofferSecrets", "CofferShapes", "CofferSigV4", hummingbirdCore,
                lifecycle, logging, nioCore, nioHTTP1, nioPosix, nioSSL, unixSignals,
            ],
            swiftSettings: strict
        ),
        .target(
            name: "CofferBench",
            dependencies: [
                "CCipherLimit", "COpenSSL", "CofferKMS", "CofferPolicy", "CofferSecrets", "CofferShapes",
                "CofferSystem", "CofferXTS", grdb,
            ],
            swiftSettings: strict
        ),
        .target(
            name: "CofferTerminal",
            dependencies: [
                "CLinux", "Coffer", "CofferEBS", "CofferRDS", "CofferRemoteKMS", "CofferSecrets",
                "CofferShapes", argumentParser, logging,
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "CofferCLI",
            dependencies: [
                "CLinux", "Coffer", "CofferBench", "CofferCatalog", "CofferControl", "CofferEBS",
                "CofferIdentity", "CofferKMS", "CofferRemoteKMS", "CofferSecrets", "CofferServer",
                "CofferShapes", "CofferSystem", "CofferTerminal", "CofferTrail", "CofferXTS", argumentParser,
                logging,
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "CofferRDSCLI",
            dependencies: [
                "CLinux", "Coffer", "CofferCatalog", "CofferRDS", "CofferSecrets", "CofferShapes",
                "CofferSystem", "CofferTerminal", argumentParser, logging,
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "CofferVolumed",
            dependencies: [
                "CLinux", "CofferBlock", "CofferControl", "CofferCrypto", "CofferFuse", "CofferSecrets",
                "CofferShapes", "CofferSnapshot", "CofferSystem", "CofferXTS", logging,
            ],
            swiftSettings: strict
        ),

        // Measured, not shipped: no product, and nothing imports it. It holds a kernel that does not encrypt.
        .executableTarget(
            name: "CofferBenchServer",
            dependencies: [
                "CLinux", "CXTS", "CofferBlock", "CofferCrypto", "CofferFuse", "CofferSecrets", "CofferXTS",
            ],
            swiftSettings: strict
        ),

        // Tests.
        .target(
            name: "CofferTesting",
            dependencies: [
                "CLinux", "CofferBlock", "CofferControl", "CofferSecrets", "CofferShapes", "CofferXTS",
            ],
            path: "Tests/CofferTesting",
            swiftSettings: testing
        ),
        .testTarget(
            name: "CofferCryptoTests",
            dependencies: ["CofferCrypto", "CofferSecrets", "CofferShapes", "CofferTesting", "CofferXTS"],
            resources: [.copy("Vectors")],
            swiftSettings: testing
        ),
        .testTarget(
            name: "CofferBenchTests",
            dependencies: ["CofferBench", "CofferShapes", "CofferTesting"],
            swiftSettings: testing
        ),
        .testTarget(
            name: "CofferBlockTests",
            dependencies: [
                "CofferBlock", "CofferCrypto", "CofferSecrets", "CofferShapes", "CofferTesting", "CofferXTS",
            ],
            resources: [.copy("Golden")],
            swiftSettings: testing
        ),
        .testTarget(
            name: "CofferKMSTests",
            dependencies: [
                "CofferCrypto", "CofferKMS", "CofferPKCS11", "CofferPolicy", "CofferSecrets", "CofferShapes",
                "CofferTesting", "CofferTrail", grdb,
            ],
            resources: [.copy("Golden")],
            swiftSettings: testing
        ),
        .testTarget(
            name: "CofferIdentityTests",
            dependencies: [
                "Coffer", "CofferCatalog", "CofferCrypto", "CofferIdentity", "CofferPolicy", "CofferSecrets",
                "CofferShapes", "CofferTesting", "CofferTrail", grdb,
            ],
            swiftSettings: testing
        ),
        .testTarget(
            name: "CofferPKCS11Tests",
            dependencies: [
                "CPKCS11", "Coffer", "CofferKMS", "CofferPKCS11", "CofferSecrets", "CofferShapes",
                "CofferTesting",
            ],
            swiftSettings: testing
        ),
        .testTarget(
            name: "CofferPolicyTests",
            dependencies: ["CofferJSON", "CofferPolicy", "CofferSecrets", "CofferShapes"],
            swiftSettings: testing
        ),
        .testTarget(
            name: "CofferRDSTests",
            dependencies: [
                "Coffer", "CofferCatalog", "CofferCrypto", "CofferEBS", "CofferKMS", "CofferRDS",
                "CofferSecrets", "CofferShapes", "CofferSystem", "CofferTesting", logging,
            ],
            swiftSettings: testing
        ),
        .testTarget(
            name: "CofferServerTests",
            dependencies: [
                "Coffer", "CofferCatalog", "CofferCrypto", "CofferEBS", "CofferIdentity", "CofferJSON",
                "CofferKMS", "CofferPolicy", "CofferRDS", "CofferSecrets", "CofferServer", "CofferShapes",
                "CofferSigV4", "CofferTesting", "CofferTrail",
                lifecycle, logging, nioCore, nioHTTP1, nioPosix, nioSSL,
            ],
            swiftSettings: testing
        ),
        .testTarget(
            name: "CofferServicesTests",
            dependencies: [
                "Coffer", "CofferBlock", "CofferCatalog", "CofferCrypto", "CofferEBS", "CofferIdentity",
                "CofferKMS", "CofferSecrets", "CofferShapes", "CofferSystem", "CofferTesting", logging,
            ],
            swiftSettings: testing
        ),
        .testTarget(
            name: "CofferRemoteKMSTests",
            dependencies: [
                "CofferJSON", "CofferRemoteKMS", "CofferSecrets", "CofferShapes", "CofferSigV4",
                "CofferTesting",
                nioCore, nioHTTP1, nioPosix, nioSSL,
            ],
            swiftSettings: testing
        ),
        .testTarget(
            name: "CofferSigV4Tests",
            dependencies: ["CofferSecrets", "CofferShapes", "CofferSigV4", "CofferTesting"],
            resources: [.copy("Vectors")],
            swiftSettings: testing
        ),
        .testTarget(
            name: "CofferSnapshotTests",
            dependencies: [
                "CofferBlock", "CofferCrypto", "CofferSecrets", "CofferShapes", "CofferSnapshot",
                "CofferTesting", "CofferXTS",
            ],
            resources: [.copy("Golden")],
            swiftSettings: testing
        ),
        .testTarget(
            name: "CofferTrailTests",
            dependencies: ["CofferSecrets", "CofferShapes", "CofferTesting", "CofferTrail"],
            resources: [.copy("Golden")],
            swiftSettings: testing
        ),
        .testTarget(
            name: "FuseTests",
            dependencies: [
                "CLinux", "CofferBlock", "CofferControl", "CofferSecrets", "CofferShapes", "CofferTesting",
                "CofferVolumed",
            ],
            swiftSettings: testing
        ),
        .testTarget(
            name: "SystemTests",
            dependencies: ["CofferCLI", "CofferRDSCLI", "CofferTesting", "CofferVolumed", "CofferXTS"],
            swiftSettings: testing
        ),
    ]
)
