/// The counts in Prometheus's text format, version 0.0.4. Names of operations and codes are ours and need no escapes.
struct PrometheusText {
    static func of(_ metrics: Metrics) -> [UInt8] {
        var text = PrometheusText()
        text.head("coffer_connections", "gauge", "Connections that are open.")
        text.line("coffer_connections \(metrics.openConnectionCount)")
        text.head("coffer_connections_total", "counter", "Connections since the start.")
        text.line("coffer_connections_total \(metrics.connectionCount)")
        let used = metrics.operations.map { (operation: $0, results: $0.results) }.filter {
            !$0.results.isEmpty
        }
        text.head("coffer_requests_total", "counter", "Requests answered, by operation and result.")
        for (operation, results) in used {
            for result in results {
                text.line(
                    "coffer_requests_total{\(labels(operation)),code=\"\(result.code)\"} \(result.count)"
                )
            }
        }
        text.head(
            "coffer_request_duration_seconds",
            "histogram",
            "Time from a request's last byte to its answer."
        )
        for (operation, _) in used { text.histogram(operation) }
        return text.bytes
    }

    private var bytes: [UInt8] = []

    private mutating func line(_ text: String) {
        bytes += text.utf8
        bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func head(_ name: String, _ type: String, _ help: String) {
        line("# HELP \(name) \(help)")
        line("# TYPE \(name) \(type)")
    }

    private static func labels(_ operation: OperationMetrics) -> String {
        "service=\"\(operation.service)\",operation=\"\(operation.name)\""
    }

    private mutating func histogram(_ operation: OperationMetrics) {
        let (labels, counts) = (Self.labels(operation), operation.cumulativeCounts)
        for (bound, count) in zip(OperationMetrics.boundsMicroseconds, counts) {
            line(
                "coffer_request_duration_seconds_bucket{\(labels),le=\"\(Double(bound) / 1e6)\"} \(count)"
            )
        }
        let total = counts.last ?? 0
        line("coffer_request_duration_seconds_bucket{\(labels),le=\"+Inf\"} \(total)")
        line("coffer_request_duration_seconds_sum{\(labels)} \(operation.totalSeconds)")
        line("coffer_request_duration_seconds_count{\(labels)} \(total)")
    }
}
