public import CofferShapes

/// A parameter group as `describeDBParameterGroups` tells of it.
public struct DatabaseParameterGroup: Sendable {
    public let name: String
    /// Such as `postgres15`.
    public let family: String
    public let description: String
    public let arn: ARN
}

/// A parameter of a group. (RDS API reference, `Parameter`)
public struct DatabaseParameter: Sendable {
    public let name: String
    /// nil: the engine's own choice.
    public let value: String?
    /// Whether the group sets it.
    public let isSet: Bool
    public let about: EngineParameter
}

/// What an engine tells of a parameter that it has.
public struct EngineParameter: Sendable, Hashable {
    public let name: String
    public let description: String
    /// `string`, `integer`, `float` or `boolean`.
    public let dataType: String
    /// Such as `0-100` or `on,off`; nil where there is nothing to tell.
    public let allowedValues: String?
    public let defaultValue: String?
    /// Whether a change needs a restart.
    public let isStatic: Bool
    public let isModifiable: Bool

    public init(
        name: String,
        description: String,
        dataType: String,
        allowedValues: String? = nil,
        defaultValue: String? = nil,
        isStatic: Bool = false,
        isModifiable: Bool = true
    ) {
        (self.name, self.description, self.dataType) = (name, description, dataType)
        (self.allowedValues, self.defaultValue) = (allowedValues, defaultValue)
        (self.isStatic, self.isModifiable) = (isStatic, isModifiable)
    }
}

/// A change of a parameter group. (`ModifyDBParameterGroup`)
public struct ParameterChange: Sendable {
    public let name: String
    /// nil: as if the group did not set it.
    public let value: String?
    /// Whether it is to count at once; else from the next restart on. nil: as the parameter has it.
    public let isImmediate: Bool?

    public init(name: String, value: String?, isImmediate: Bool? = nil) {
        (self.name, self.value, self.isImmediate) = (name, value, isImmediate)
    }
}
