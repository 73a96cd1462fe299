/// What may stand in a place of an action's parameters.
indirect enum EC2Shape: Sendable {
    case text
    /// A decimal number, in 32 bits as the API's model has it.
    case integer
    case boolean
    case choice([String])
    /// `Name.1`, `Name.2` and so on, at most so many.
    case list(EC2Shape, maximumCount: Int)
    /// `Name.Member` for each.
    case structure([EC2Member])
}

/// A parameter of an action, or a member of one.
struct EC2Member: Sendable {
    /// As it is sent, with a capital.
    let name: String
    let shape: EC2Shape
    var isRequired = false
}

/// A parameter's value, as its shape says.
enum EC2Value: Sendable, Equatable {
    case text(String)
    case integer(Int)
    case flag(Bool)
    case list([EC2Value])
    case structure([String: EC2Value])
}
