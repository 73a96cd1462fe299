import CofferPolicy
import Testing

@Suite struct PropertyTests {
    private static let denial = #"{"Sid":"Never","Effect":"Deny","Action":"*","Resource":"*"}"#
    private static let resourceDenial =
        #"{"Sid":"Never","Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}"#

    /// Adds statements, policies and a grant at random places.
    private func grow(_ question: Question, _ random: inout RandomPolicies) -> Question {
        var grown = question
        let more = (0..<3).map { _ in
            RandomPolicies.policy([random.statement(principal: false, effect: "Allow")])
        }
        grown.identityPolicies.insert(
            contentsOf: more,
            at: random.number(below: question.identityPolicies.count + 1)
        )
        let allow = (0..<3).map { _ in random.statement(principal: true, effect: "Allow") }
        if let policy = question.resourcePolicy {
            let opening = #"{"Version":"2012-10-17","Statement":["#
            let statements = policy.dropFirst(opening.count)
            grown.resourcePolicy = opening + allow.joined(separator: ",") + "," + statements
        } else {
            grown.resourcePolicy = RandomPolicies.policy(allow)
        }
        grown.grant = "grant 2"
        return grown
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `whatever is added, an explicit denial is never overridden`(_ seed: UInt64) throws {
        var random = RandomPolicies(seed: seed)
        var denied = 0
        for round in 0..<600 {
            let question = random.question()
            guard case .denied = try decide(question) else { continue }
            denied += 1
            var grown = question
            for _ in 0..<4 {
                grown = grow(grown, &random)
                guard case .denied = try decide(grown) else {
                    Issue.record("seed \(seed), round \(round): \(try decide(grown)) for \(grown)")
                    return
                }
            }
        }
        #expect(denied > 60, "the statements hardly deny anything")
    }

    @Test(arguments: 6...8 as ClosedRange<UInt64>)
    func `a denial of everything, put anywhere, decides`(_ seed: UInt64) throws {
        var random = RandomPolicies(seed: seed)
        var allowed = 0
        for _ in 0..<400 {
            let question = random.question()
            if try decide(question).isAllowed { allowed += 1 }
            var identity = question
            identity.identityPolicies.insert(
                RandomPolicies.policy([Self.denial]),
                at: random.number(below: question.identityPolicies.count + 1)
            )
            guard case .denied = try decide(identity) else {
                Issue.record("an identity policy's denial: \(identity)")
                return
            }
            var resource = question
            resource.resourcePolicy = RandomPolicies.policy([
                random.statement(principal: true, effect: "Allow"), Self.resourceDenial,
            ])
            guard case .denied = try decide(resource) else {
                Issue.record("a resource policy's denial: \(resource)")
                return
            }
        }
        #expect(allowed > 40, "the statements hardly allow anything")
    }

    @Test(arguments: 9...11 as ClosedRange<UInt64>)
    func `taking all denials away never takes a right away`(_ seed: UInt64) throws {
        var random = RandomPolicies(seed: seed)
        for _ in 0..<400 {
            let question = random.question()
            guard try decide(question).isAllowed else { continue }
            var free = question
            free.identityPolicies.removeAll { $0.contains(#""Effect":"Deny""#) }
            #expect(try decide(free).isAllowed)
        }
    }
}
