import Testing

@testable import CofferServer

@Suite struct MetricsTests {
    @Test func `requests are counted by operation and result`() async throws {
        let subject = try await ServerSubject()
        for _ in 0..<3 { _ = await subject.answer("GenerateRandom", #"{"NumberOfBytes":8}"#) }
        _ = await subject.answer("GenerateRandom", "{}")
        _ = await subject.answer("Nonsense", "{}")
        let answer = await subject.responder.answer(unsigned("GET", "/metrics"))
        #expect(answer.status == 200)
        let lines = answer.text.split(separator: "\n").map(String.init)
        let labels = #"service="kms",operation="GenerateRandom""#
        #expect(lines.contains("coffer_requests_total{\(labels),code=\"OK\"} 3"))
        #expect(lines.contains("coffer_requests_total{\(labels),code=\"ValidationException\"} 1"))
        #expect(lines.contains("coffer_request_duration_seconds_count{\(labels)} 4"))
        #expect(
            lines.contains(
                #"coffer_requests_total{service="none",operation="none",code="UnknownOperationException"} 1"#
            )
        )
        #expect(!answer.text.contains("Encrypt"))
        #expect(answer.text.hasSuffix("\n"))
    }

    @Test func `each time falls into its bucket`() {
        let metrics = OperationMetrics(service: "kms", name: "X")
        for microseconds in [1, 50, 51, 5_000_000, 5_000_001] {
            metrics.count(nil, nanoseconds: microseconds * 1000)
        }
        #expect(metrics.cumulativeCounts == [2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 5])
        #expect(metrics.results.map(\.count) == [5])
    }

    @Test func `what Prometheus reads is whole`() {
        let metrics = Metrics()
        metrics.connectionOpened()
        metrics.connectionOpened()
        metrics.connectionClosed()
        metrics.of(.encrypt).count(nil, nanoseconds: 60_000)
        let text = String(decoding: PrometheusText.of(metrics), as: UTF8.self)
        #expect(text.contains("# TYPE coffer_connections gauge\ncoffer_connections 1\n"))
        #expect(text.contains("coffer_connections_total 2\n"))
        #expect(text.contains(#"_bucket{service="kms",operation="Encrypt",le="5e-05"} 0"#))
        #expect(text.contains(#"_bucket{service="kms",operation="Encrypt",le="0.0001"} 1"#))
        #expect(text.contains(#"_bucket{service="kms",operation="Encrypt",le="+Inf"} 1"#))
    }
}
