// What the server says about itself, for Prometheus.
import type { FastifyInstance } from "fastify";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/**
 * Measures the requests of an app, and answers `GET /metrics`.
 *
 * @param waiting returns the number of images that wait
 * @returns the function that is told the size of each batch
 */
export function measure(app: FastifyInstance, waiting: () => number): (batchSize: number) => void {
	const register = new Registry();
	const registers = [register];
	collectDefaultMetrics({ register });
	const requests = new Counter({
		name: "http_requests_total",
		help: "Requests by route and status.",
		labelNames: ["method", "route", "status"],
		registers,
	});
	const seconds = new Histogram({
		name: "http_request_duration_seconds",
		help: "Time from a request's headers to the end of its answer.",
		labelNames: ["route"],
		buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
		registers,
	});
	const batches = new Histogram({
		name: "classifier_batch_size",
		help: "Images that were classified together.",
		buckets: [1, 2, 4, 8, 16, 32],
		registers,
	});
	new Gauge({
		name: "classifier_queue_images",
		help: "Images that wait for a batch.",
		registers,
		collect() {
			this.set(waiting());
		},
	});
	app.addHook("onResponse", async (request, reply) => {
		// Addresses without a route are one label: a stranger could make any number of them.
		const route = request.routeOptions.url ?? "none";
		requests.inc({ method: request.method, route, status: reply.statusCode });
		seconds.observe({ route }, reply.elapsedTime / 1000);
	});
	app.get("/metrics", async (_, reply) => reply.type(register.contentType).send(await register.metrics()));
	return (size) => batches.observe(size);
}
