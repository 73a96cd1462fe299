import CofferPolicy
import CofferShapes
import Testing

/// A request with all policies that bear on it.
struct Question: Sendable {
    var request: PolicyRequest
    var resourcePolicy: String?
    var identityPolicies: [String]
    var grant: String?
    var mode: PolicyMode
}

enum Verdict: String {
    case allowed, denied, notAllowed
}

/// One case: a question, the decision, and words that the explanation holds.
struct Row: Sendable {
    let question: Question
    let expected: Verdict
    let why: String?
    let line: Int
}

/// Cases about one thing. Each table holds a request that is allowed and one that is not, so that an engine which
/// always says the same fails each of them.
struct Table: Sendable, CustomTestStringConvertible {
    let name: String
    let rows: [Row]

    init(_ name: String, _ rows: [Row]) { (self.name, self.rows) = (name, rows) }

    var testDescription: String { name }

    /// What is wrong with the answers of `decide`, a line for each row that fails.
    func failures(_ decide: (Question) throws -> PolicyDecision) -> [String] {
        rows.compactMap { row in
            do {
                let (verdict, words) = explain(try decide(row.question))
                if verdict == row.expected, row.why.map({ words.contains($0) }) ?? true { return nil }
                return "\(name), line \(row.line): \(verdict), not \(row.expected): \(words)"
            } catch {
                return "\(name), line \(row.line): \(error)"
            }
        }
    }
}

/// The real engine.
func decide(_ question: Question) throws -> PolicyDecision {
    let set = PolicySet(
        resource: try question.resourcePolicy.map {
            NamedPolicy("key policy", try PolicyDocument($0, kind: .resource))
        },
        identity: try question.identityPolicies.enumerated().map {
            NamedPolicy("policy \($0 + 1) of bob", try PolicyDocument($1, kind: .identity))
        }
    )
    return set.decide(question.request, mode: question.mode, grant: { question.grant })
}

func explain(_ decision: PolicyDecision) -> (Verdict, String) {
    switch decision {
    case .allowed(let ground): (.allowed, "\(ground)")
    case .denied(let statement): (.denied, "\(statement)")
    case .notAllowed(let refusal):
        (
            .notAllowed,
            "\(refusal.missing) is missing. " + refusal.nearMisses.map(\.description).joined(separator: ". ")
        )
    }
}

// MARK: - Words of the tables

let ownAccount = "111122223333"
let otherAccount = "444455556666"
let keyARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

/// Traps on a text that is no ARN: a mistake of the table.
func principal(_ arn: String, role: String? = nil) -> PolicyPrincipal {
    PolicyPrincipal(ARN(arn)!, role: role.map { ARN($0)! })
}

let bob = principal("arn:aws:iam::111122223333:user/bob")
let root = principal("arn:aws:iam::111122223333:root")
let session = principal("arn:aws:sts::111122223333:assumed-role/App/i-1")
let stranger = principal("arn:aws:iam::444455556666:user/eve")
let strangerRoot = principal("arn:aws:iam::444455556666:root")

/// A policy of version 2012-10-17 with these statements.
func policy(_ statements: String...) -> String {
    #"{"Version":"2012-10-17","Statement":[\#(statements.joined(separator: ","))]}"#
}

func ask(
    _ expected: Verdict,
    as principal: PolicyPrincipal = bob,
    _ action: String = "kms:Decrypt",
    on resource: String = keyARN,
    of account: String = ownAccount,
    context: [String: [String]] = [:],
    key: String? = nil,
    identity: [String] = [],
    grant: String? = nil,
    mode: PolicyMode = .resourcePolicyRequired,
    why: String? = nil,
    line: Int = #line
) -> Row {
    let request = PolicyRequest(
        principal: principal,
        action: action,
        resource: resource,
        resourceAccount: account,
        context: PolicyContext(context)
    )
    return Row(
        question: Question(
            request: request,
            resourcePolicy: key,
            identityPolicies: identity,
            grant: grant,
            mode: mode
        ),
        expected: expected,
        why: why,
        line: line
    )
}
