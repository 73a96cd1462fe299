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
let strictC: [CSetting] = [.treatAllWarnings(as: .error)]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let package = Package(
    name: "coffer",
    products: [
        .library(name: "Coffer", targets: ["Coffer"]),
        .executable(name: "coffer", targets: ["CofferCLI"]),
        .executable(name: "coffer-volumed", targets: ["CofferVolumed"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        // C: module maps, kernels, and what Swift cannot say.
        .systemLibrary(name: "CFuse", providers: [.apt(["libfuse3-dev"])]),
        .target(name: "CLinux", cSettings: strictC),
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
        .target(name: "CXTS", dependencies: ["COpenSSL"], cSettings: strictC),

        // Words and secrets.
        .target(name: "CofferSecrets", dependencies: ["CLinux"], swiftSettings: strict),
        .target(name: "CofferShapes", dependencies: ["CofferSecrets"], swiftSettings: strict),

        // Crypto.
        .target(
            name: "CofferCrypto",
            dependencies: ["COpenSSL", "CofferSecrets", "CofferShapes"],
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
            dependencies: ["CofferSecrets"],
            swiftSettings: strict
        ),
        .target(
            name: "CofferFuse",
            dependencies: ["CFuse", "CLinux", "CofferBlock"],
            swiftSettings: strict
        ),
        .target(
            name: "CofferTrail",
            dependencies: ["CofferCrypto", "CofferSecrets", "CofferShapes"],
            swiftSettings: strict
        ),

        // Keys and services.
        .target(
            name: "CofferEBS",
            dependencies: [
                "CLinux", "CofferBlock", "CofferCatalog", "CofferControl", "CofferCrypto", "CofferSecrets",
                "CofferShapes", logging,
            ],
            swiftSettings: strict
        ),
        .target(
            name: "CofferKMS",
            dependencies: ["CofferCrypto", "CofferSecrets", "CofferShapes", "CofferTrail", grdb],
            swiftSettings: strict
        ),

        // The home, its bench, and the commands.
        .target(
            name: "Coffer",
            dependencies: [
                "CofferCatalog", "CofferEBS", "CofferKMS", "CofferSecrets", "CofferShapes", logging,
            ],
            swiftSettings: strict
        ),
        .target(
            name: "CofferBench",
            dependencies: ["CofferSecrets", "CofferXTS"],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "CofferCLI",
            dependencies: [
                "CLinux", "Coffer", "CofferBench", "CofferCatalog", "CofferEBS", "CofferKMS", "CofferSecrets",
                "CofferShapes", "CofferTrail", "CofferXTS", argumentParser, logging,
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "CofferVolumed",
            dependencies: [
                "CLinux", "CofferBlock", "CofferControl", "CofferCrypto", "CofferFuse", "CofferSecrets",
                "CofferShapes", "CofferXTS", logging,
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
            swiftSettings: strict
        ),
        .testTarget(
            name: "CofferCryptoTests",
            dependencies: ["CofferCrypto", "CofferSecrets", "CofferShapes", "CofferTesting", "CofferXTS"],
            resources: [.copy("Vectors")],
            swiftSettings: strict
        ),
        .testTarget(
            name: "CofferBlockTests",
            dependencies: [
                "CofferBlock", "CofferCrypto", "CofferSecrets", "CofferShapes", "CofferTesting", "CofferXTS",
            ],
            resources: [.copy("Golden")],
            swiftSettings: strict
        ),
        .testTarget(
            name: "CofferKMSTests",
            dependencies: [
                "CofferCrypto", "CofferKMS", "CofferSecrets", "CofferShapes", "CofferTesting", "CofferTrail",
                grdb,
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "CofferServicesTests",
            dependencies: [
                "CofferCatalog", "CofferEBS", "CofferSecrets", "CofferShapes", "CofferTesting", logging,
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "FuseTests",
            dependencies: [
                "CLinux", "CofferBlock", "CofferControl", "CofferSecrets", "CofferTesting", "CofferVolumed",
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "SystemTests",
            dependencies: ["CofferCLI", "CofferTesting", "CofferVolumed"],
            swiftSettings: strict
        ),
    ]
)
