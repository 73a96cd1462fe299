public import ArgumentParser
internal import Coffer
internal import CofferKMS
public import CofferShapes
internal import CofferTerminal
internal import Foundation

/// The keys of a home, and who asks for them.
struct KeyDesk {
    let keys: KeyManagementService
    let caller: Caller

    /// The id of the key that any of its names names. EnableKey and its like take no alias, as on AWS; people do.
    func resolve(_ text: String) async throws -> KeyReference {
        try await resolve(KeyReference(text))
    }

    func resolve(_ reference: KeyReference) async throws -> KeyReference {
        switch reference {
        case .id, .keyARN, .other: reference
        case .alias, .aliasARN: .id(try await keys.describeKey(reference, caller: caller).keyID)
        }
    }

    /// All items of a list that is given in parts.
    func all<Item>(_ part: (Page) async throws -> Listing<Item>) async throws -> [Item] {
        var items: [Item] = []
        var page = Page()
        repeat {
            let listing = try await part(page)
            items += listing.items
            page.marker = listing.nextMarker
        } while page.marker != nil
        return items
    }
}

/// The KMS key that a command is about.
struct KeyArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("The KMS key: id, ARN, alias or alias ARN.", valueName: "key"))
    var text: String

    var reference: KeyReference { KeyReference(text) }
}

/// A tag on the command line, `key=value`.
struct TagPair: ExpressibleByArgument {
    let tag: Tag

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else { return nil }
        tag = Tag(key: String(parts[0]), value: String(parts[1]))
    }
}

/// A number of days, `90` or `90d`.
struct DayCount: ExpressibleByArgument {
    let days: Int

    init?(argument: String) {
        guard let days = Int(argument.hasSuffix("d") ? String(argument.dropLast()) : argument) else {
            return nil
        }
        self.days = days
    }
}

/// A moment in RFC 3339, or a time span before or after now, such as `12h` or `30d`.
struct Moment: ExpressibleByArgument {
    let isRelative: Bool
    private let seconds: Double

    init?(argument: String) {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        if let unit = argument.last, let factor = units[unit], let count = Double(argument.dropLast()),
            count.isFinite, count >= 0
        {
            (isRelative, seconds) = (true, count * factor)
        } else if let date = try? Date(argument, strategy: .iso8601) {
            (isRelative, seconds) = (false, date.timeIntervalSince1970)
        } else {
            return nil
        }
    }

    var before: Timestamp { timestamp(sign: -1) }
    var after: Timestamp { timestamp(sign: 1) }

    private func timestamp(sign: Double) -> Timestamp {
        let moment = isRelative ? Date().timeIntervalSince1970 + sign * seconds : seconds
        return Timestamp(nanoseconds: UInt64(max(0, min(moment, 9e9)) * 1000) * 1_000_000)
    }
}

extension KeySpec: ExpressibleByArgument {}
extension KeyUsage: ExpressibleByArgument {}
extension WrappingAlgorithm: ExpressibleByArgument {}
extension WrappingKeySpec: ExpressibleByArgument {}
extension GrantOperation: ExpressibleByArgument {}

extension GlobalOptions {
    /// The keys of the home, and who asks for them.
    func openKeys() async throws -> KeyDesk {
        let home = try openHome()
        return KeyDesk(keys: try await home.keyManagement(), caller: try await caller(of: home))
    }
}
