internal import CofferShapes

/// What may stand in a place of an action's parameters.
indirect enum RDSShape: Sendable {
    case text
    /// A decimal number, in 32 bits as the API's model has it.
    case integer
    case boolean
    /// ISO 8601.
    case time
    /// `Name.Item.1`, `Name.Item.2` and so on. `member` is taken as the item's name too, as AWS does.
    case list(String, RDSShape)
    /// `Name.Member` for each.
    case structure([RDSMember])
}

/// A parameter of an action, or a member of one.
struct RDSMember: Sendable {
    /// As it is sent, with a capital.
    let name: String
    let shape: RDSShape
    var isRequired = false
    /// Not nil for what Coffer has not: refused, but for false, 0, nothing, and these words, which ask for nothing.
    var neutral: [String]?
}

/// A parameter's value, as its shape says.
enum RDSValue: Sendable, Equatable {
    case text(String)
    case integer(Int)
    case flag(Bool)
    case time(Timestamp)
    case list([RDSValue])
    case structure([String: RDSValue])

    /// Whether it asks for something, where it stands for what Coffer has not.
    func asks(beyond neutral: [String]) -> Bool {
        switch self {
        case .text(let text): !text.isEmpty && !neutral.contains(text)
        case .integer(let number): number != 0
        case .flag(let flag): flag
        case .time: true
        case .list(let elements): !elements.isEmpty
        case .structure(let members): members.values.contains { $0.asks(beyond: neutral) }
        }
    }
}
