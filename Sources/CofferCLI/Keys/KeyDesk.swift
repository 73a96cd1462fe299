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
