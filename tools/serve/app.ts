// The HTTP API of a model: all routes, without a port.
import { readFile } from "node:fs/promises";
import fastify, { type FastifyInstance } from "fastify";
import type { BytesPrediction } from "../../src/evaluation";
import { createBatcher } from "./batcher";
import { limitBodies } from "./bodies";
import { answerBadAddress, answerClientError, answerErrors } from "./errors";
import { measure } from "./metrics";
import { openApi } from "./openapi";
import { predictRoute } from "./predict-route";
import { protocolV2 } from "./protocol-v2";
import type { ServedImage, ServedModel, Service } from "./service";

/** Options of `createApp`. */
export interface AppOptions extends ServedModel {
	/** Most bytes of a request's body. Default 10 million. */
	maxBytes?: number;
	/** Most images that wait for a batch. Default 256. */
	maxWaiting?: number;
	/** HTML file that `GET /` answers with. Default: none. */
	page?: string | null;
}

/** Milliseconds in which a request must have arrived, its headers alone, and without a byte in either direction. */
const [REQUEST_TIMEOUT, HEADERS_TIMEOUT, CONNECTION_TIMEOUT] = [30_000, 10_000, 60_000];

const MAX_CONNECTIONS = 1024;

/** Returns the app that answers for a model. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
	const { maxBytes = 10e6, maxWaiting = 256, page = null, ...model } = options;
	const app = fastify({
		bodyLimit: maxBytes,
		requestTimeout: REQUEST_TIMEOUT,
		connectionTimeout: CONNECTION_TIMEOUT,
		frameworkErrors: answerBadAddress,
		clientErrorHandler: answerClientError,
	});
	Object.assign(app.server, { headersTimeout: HEADERS_TIMEOUT, maxConnections: MAX_CONNECTIONS });
	app.removeAllContentTypeParsers();
	addHeaders(app);
	limitBodies(app, maxBytes);
	answerErrors(app, maxBytes);
	const { decode, classify } = model.predictor;
	const batcher = createBatcher<ServedImage, Float32Array | Error, BytesPrediction | Error>({
		prepare: (image) => (image instanceof Float32Array ? image : decode(image)),
		run: classify,
		maxWaiting,
		onBatch: (size) => onBatch(size),
	});
	const onBatch = measure(app, batcher.waiting);
	const service: Service = {
		...model,
		maxBytes,
		classify: (images, { raw }) => batcher.submit(images, () => !raw.socket?.destroyed),
	};
	describe(app, service, page);
	// Each with its own parsers of bodies.
	await app.register(predictRoute, service);
	await app.register(protocolV2, service);
	return app;
}

function addHeaders(app: FastifyInstance): void {
	let isClosing = false;
	app.addHook("preClose", async () => {
		isClosing = true;
	});
	app.addHook("onSend", async (_, reply) => {
		reply.header("x-content-type-options", "nosniff");
		// A connection that is kept alive would keep the server alive.
		if (isClosing) reply.header("connection", "close");
	});
}

/** Adds the routes that tell about the server. */
function describe(app: FastifyInstance, service: Service, page: string | null): void {
	const described = openApi(service);
	app.get("/healthz", async () => ({ status: "ok" }));
	app.get("/openapi.json", async () => described);
	app.get("/model", async () => service.description);
	app.get("/", async (_, reply) => {
		const html = page === null ? null : await readFile(page).catch(() => null);
		if (html) return reply.type("text/html; charset=utf-8").send(html);
		return {
			page: "none: make it with npm run export -- --format web, then start the server again",
			api: "/openapi.json",
		};
	});
}
